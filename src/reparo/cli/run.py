"""`reparo run`."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tyro

from reparo.cli.common import Common, Consent, Out, Repeated
from reparo.cli.export import Exporting
from reparo.errors import InputError

log = logging.getLogger(__name__)

RESULTS = ("report.html", "scene.glb", "layout.json", "preview.png", "turntable.gif", "scene")


@dataclass(frozen=True, kw_only=True)
class Choosing:
    """Where settings come from; what is said later wins."""

    preset: str = "embedded"
    """Which backends to use: embedded (networks that packages carry), plain (geometry alone, but
    for finding objects), paper (the paper's networks) or paper-dreamgaussian."""
    config: Path | None = None
    """A TOML file laid over the preset: a table a stage, [world], [align]."""
    assignments: Repeated = ()
    """One setting, such as align.seed=1; may be said several times."""

    def overrides(self) -> list[dict]:
        """What --set says, as tables."""
        from reparo.settings import assignment

        return [assignment(text) for text in self.assignments]


def chosen(choosing: Choosing, consent: Consent, common: Common) -> dict[str, Any]:
    """What these say, as `api.run` names it."""
    return {
        "preset": choosing.preset,
        "config": choosing.config and choosing.config.resolve(),
        "overrides": choosing.overrides(),
        "accept_licences": consent.accept_licence,
        "offline": consent.offline,
        "device": common.device,
        "seed": common.seed,
    }


@dataclass(frozen=True, kw_only=True)
class Run:
    """One photo in; a scene of separate, complete, textured objects out. Resumes what is there."""

    photo: tyro.conf.Positional[Path]
    """The picture: PNG, JPEG, WebP, TIFF, ..."""
    out: Out
    """The folder for report.html, scene.glb, layout.json, preview.png, scene/ and steps/."""
    masks: Path | None = None
    """A folder of NAME.png, the photo's size, white where the object NAME shows."""
    boxes: Path | None = None
    """A JSON file {name: [x0, y0, x1, y1]} in pixels of the photo."""
    points: Path | None = None
    """A JSON file {name: [[x, y, inside 0|1], ...]} in pixels of the photo."""
    text: str | None = None
    """What to look for, as in "chair . table lamp"; a network finds the boxes of these words."""
    meshes: Path | None = None
    """A folder of NAME.glb (or .obj, .ply): place these instead of reconstructing."""
    depth: Path | None = None
    """A .npy file of depth along the camera's axis."""
    depth_kind: str = "metric"
    """What it stores: metric (z), scale (a*z), affine (a*z+b) or disparity (a/z+b)."""
    fov: float | None = None
    """The photo's vertical field of view in degrees; if left out: from EXIF, else 50."""
    height: str | None = None
    """NAME=METRES: one object's real height, so that the scene is in metres."""
    exporting: Exporting = field(default_factory=Exporting)
    choosing: Choosing = field(default_factory=Choosing)
    consent: Consent = field(default_factory=Consent)
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Runs it and prints where the results are."""
        self.common.check()
        self.exporting.check()
        height = None if self.height is None else _height(self.height)
        with self.common.progress() as progress:
            from reparo import api

            result = api.run(
                self.photo,
                self.out,
                masks=self.masks,
                boxes=self.boxes,
                points=self.points,
                text=self.text,
                meshes=self.meshes,
                depth=self.depth,
                depth_kind=self.depth_kind,
                fov_y_deg=self.fov,
                height=height,
                progress=progress,
                **chosen(self.choosing, self.consent, self.common),
            )
            log.info("objects: %s", ", ".join(result.scene.names))  # for --height, among others
            self.common.warn(result.notes)
            exported = self.exporting.write(result, self.out, progress)
        for name in RESULTS:
            print(self.out / name)
        for path in exported:
            print(path)


def _height(text: str) -> tuple[str, float]:
    name, equals, metres = text.rpartition("=")
    try:
        if name and equals:
            return name, float(metres)
    except ValueError:
        pass
    raise InputError(f"--height wants NAME=METRES, as in chair=0.9, got {text!r}")
