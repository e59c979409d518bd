"""`reparo align`."""

from dataclasses import dataclass, field
from pathlib import Path

import tyro

from reparo.cli.common import Common, Consent, Out, Repeated
from reparo.cli.export import Exporting


@dataclass(frozen=True, kw_only=True)
class Align:
    """Places the meshes of a scene folder as its picture shows them."""

    scene: tyro.conf.Positional[Path]
    """A folder with scene.json, a picture, meshes and masks."""
    out: Out
    """The folder for report.html, scene.glb, layout.json and pictures; made anew."""
    method: str = "fast"
    """How: fast, or paper (slow; as published)."""
    free: str = "translation,scale"
    """What may change, separated by commas: translation, scale, rotation."""
    assignments: Repeated = ()
    """One setting, such as align.paper.semantic=0; may be said several times."""
    exporting: Exporting = field(default_factory=Exporting)
    consent: Consent = field(default_factory=Consent)
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Aligns and prints where the results are."""
        self.common.check()
        self.exporting.check()
        with self.common.progress() as progress, self.consent.given():
            from reparo import api
            from reparo.settings import assignment

            free = tuple(part.strip() for part in self.free.split(",") if part.strip())
            result = api.align_folder(
                self.scene,
                self.out,
                free=free,
                method=self.method,
                overrides=[assignment(text) for text in self.assignments],
                device=self.common.device,
                seed=self.common.seed,
                progress=progress,
            )
            self.common.warn(result.notes)
            exported = self.exporting.write(result, self.out, progress)
        for name in ("report.html", "scene.glb", "layout.json", "preview.png", "alignment.gif"):
            print(self.out / name)
        for path in exported:
            print(path)
