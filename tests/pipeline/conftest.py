"""A photo of two squares, and backends that need nothing and count their calls."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from reparo import registry
from reparo.layout.settings import AlignSettings
from reparo.pipeline import Job, photo_to_scene
from reparo.pipeline.steps import complete, look, reconstruct, segment
from reparo.scene import Cutout, Depth, Mesh, Photo, Region
from reparo.settings import Choice, Settings, WorldSettings
from reparo.workspace import Workspace

SIZE = (48, 64)
CORNERS = [[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]
FACES = [
    [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
    [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
]  # fmt: skip


def square(left: int, top: int, side: int) -> torch.Tensor:
    mask = torch.zeros(SIZE, dtype=torch.bool)
    mask[top : top + side, left : left + side] = True
    return mask


@dataclass
class Fakes:
    """The four stages; `broken` names what raises which error at which object."""

    calls: Counter = field(default_factory=Counter)
    broken: dict = field(default_factory=dict)

    def segment(self, photo: Photo) -> list[Region]:
        self.called("segment", "")
        return [Region("big", square(8, 16, 20)), Region("small", square(40, 24, 12))]

    def depth(self, photo: Photo, camera, regions) -> Depth:
        self.called("depth", "")
        z = torch.full(SIZE, 3.0)
        return Depth(z, torch.ones(SIZE, dtype=torch.bool), "scale")

    def complete(self, photo: Photo, region: Region, others, depth) -> Cutout:
        self.called("complete", region.name)
        rows, columns = region.visible.nonzero().unbind(-1)
        top, left, side = int(rows.min()), int(columns.min()), int(rows.max() - rows.min()) + 1
        seen = region.visible[top : top + side, left : left + side]
        rgba = torch.cat([torch.rand(side, side, 3), seen[..., None].double()], -1)
        placing = torch.tensor([[1.0, 0.0, left], [0.0, 1.0, top]])
        return Cutout(rgba, seen, placing)

    def reconstruct(self, cutout: Cutout, name: str) -> Mesh:
        self.called("reconstruct", name)
        return Mesh.plain(torch.tensor(CORNERS), torch.tensor(FACES))

    def called(self, stage: str, name: str) -> None:
        self.calls[stage, name] += 1
        if (stage, name) in self.broken:
            raise self.broken[stage, name]


@dataclass(frozen=True)
class FakeChoice(Choice):
    """Hands out a function instead of an installed backend."""

    function: object = None

    def create(self, progress=None, logs=None, note=None):
        return self.function


@dataclass
class Bench:
    """Runs the pipeline again and again in one folder."""

    out: Path
    fakes: Fakes
    world: WorldSettings = field(default_factory=WorldSettings)
    fields: dict = field(default_factory=dict)  # stage -> settings
    settle: bool = False  # what takes most of the time, and few tests look at

    def run(self):
        """The outcome; which backends were called is in `fakes.calls`."""
        return photo_to_scene(self.job(), registry.create("render", "torch"))

    def meshes(self):
        """What `run` lays out: each object's mesh, and the notes."""
        job = self.job()
        regions = segment(job)
        return reconstruct(job, complete(job, regions, look(job, regions)[:2]).done)

    def job(self) -> Job:
        self.fakes.calls.clear()
        choices = {
            stage: FakeChoice(stage, "fake", self.fields.get(stage, {}), getattr(self.fakes, stage))
            for stage in ("segment", "depth", "complete", "reconstruct")
        }
        align = AlignSettings(turn=False, match=False, polish=False, settle=self.settle)
        settings = Settings(**choices, world=self.world, align=align)
        torch.manual_seed(0)
        photo = Photo(torch.linspace(0, 1, SIZE[0] * SIZE[1] * 3).reshape(*SIZE, 3))
        return Job(photo, settings, Workspace(self.out / "steps"), lambda *_: None)


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path, Fakes())
