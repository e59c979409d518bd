"""What a run has brought so far: completed outlines, meshes, rounds of the layout."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jaxtyping import Bool
from torch import Tensor

from reparo.app.shown import Shown, arriving
from reparo.app.state import Pose
from reparo.files.cutouts import outline_in_photo, read_cutout
from reparo.files.rounds_json import pose_rows
from reparo.pipeline.steps import COMPLETE, RECONSTRUCT
from reparo.scene import Region, Round


@dataclass
class Live:
    """The steps of a run, and how far it has got with them.

    Files of an earlier run may still lie there, so a step's progress says which ones count.
    """

    steps: Path
    regions: Sequence[Region]
    completed: int = 0  # objects, in the run's own order
    meshed: int = 0
    poses: dict[str, Pose] = field(default_factory=dict)  # of the last round
    arrived: Shown | None = None  # the meshes so far, where nothing is known of their places
    fixed: Shown | None = None  # where nothing comes any more, and only places change

    def heard(self, step: str, done: int) -> bool:
        """Whether a sign of progress says that something has come."""
        before = (self.completed, self.meshed)
        if step == "complete":
            self.completed = done
        if step == "reconstruct":
            self.meshed = done
        return before != (self.completed, self.meshed)

    def round(self, current: Round) -> bool:
        """Takes the places that a round of the layout tries; False where they fit no mesh."""
        rows = pose_rows(current.layout)
        names = list(self.fixed.meshes) if self.fixed else self.meshes
        if len(names) != len(rows):
            return False
        self.poses = {name: tuple(row) for name, row in zip(names, rows, strict=True)}
        return True

    @property
    def order(self) -> list[str]:
        """The run's: largest first."""
        ordered = sorted(self.regions, key=lambda region: (-region.area, region.name))
        return [region.name for region in ordered]

    @property
    def whole(self) -> list[str]:
        """The objects that are completed."""
        return [name for name in self.order[: self.completed] if self._has(COMPLETE, name)]

    @property
    def meshes(self) -> list[str]:
        """The objects that have a mesh."""
        return [name for name in self.whole[: self.meshed] if self._has(RECONSTRUCT, name)]

    def outlines(self) -> dict[str, Bool[Tensor, "h w"]]:
        """The completed outlines, hidden parts too, in the photo's pixels."""
        height, width = self.regions[0].visible.shape
        cutouts = {name: read_cutout(self.steps / COMPLETE / name, name) for name in self.whole}
        return {name: outline_in_photo(one, (height, width)) for name, one in cutouts.items()}

    def shown(self) -> Shown | None:
        """For the scene view; None as long as there is no mesh."""
        if self.fixed is not None:
            return Shown(self.fixed.camera, self.fixed.meshes, {**self.fixed.poses, **self.poses})
        names = self.meshes
        if not names:
            return None
        if self.arrived is None or list(self.arrived.meshes) != names:
            height, width = self.regions[0].visible.shape
            self.arrived = arriving(self.steps, names, (height, width))
        there = self.arrived
        return Shown(there.camera, there.meshes, {**there.poses, **self.poses})

    def _has(self, step: str, name: str) -> bool:
        suffix = ".json" if step == COMPLETE else ".glb"
        return (self.steps / step / name / f"{name}{suffix}").is_file()
