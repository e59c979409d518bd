"""How near completed outlines come to the truth, on models that were held out."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from torch import nn

from reparo.scene import Depth, Photo, Region
from reparo.stages.complete.embedded import EmbeddedCompleter, asked, drawn, masks_of, sureness
from reparo.stages.complete.look import Masks, square_around
from reparo.stages.complete.outline import complete_outline
from training.outline import data
from training.outline.scene import Scene, read_scene, scene_files, who_hides
from training.outline.store import LEAST_AREA, Store, Target

SHOWING = (0.3, 0.9)  # of an object, to count
BINS = (0.3, 0.5, 0.7, 0.9)
HIDERS = ("true", "found with depth", "found without depth")  # how it is known what is in front


@dataclass(frozen=True)
class Case:
    """A partly hidden object of a scene."""

    scene: Scene
    photo: Photo  # the same for all of a scene, so that it is looked at once
    file: str
    number: int
    share: float

    def region(self, number: int) -> Region:
        """What shows of an object of the scene."""
        visible = torch.from_numpy(self.scene.visible(number))
        return Region(f"{number}-{self.scene.names[number]}", visible)

    def masks(self, hiders: str) -> Masks:
        """With what is in front as told, or as found from outlines and, maybe, true depth."""
        everything = range(len(self.scene.names))
        others = [self.region(j) for j in everything if j != self.number]
        region = self.region(self.number)
        if hiders != "true":
            return masks_of(region, others, self._depth() if "with depth" in hiders else None)
        known = who_hides(self.scene)[self.number]
        plain = masks_of(region, others, None)
        in_front = torch.zeros_like(region.visible)
        for j in np.nonzero(known)[0]:
            in_front |= self.region(int(j)).visible
        return Masks(region.visible, in_front, plain.others)

    def _depth(self) -> Depth:
        return Depth.from_array(self.scene.disparity, "disparity")

    @property
    def truth(self) -> np.ndarray:
        """The full mask."""
        return self.scene.full[self.number]


def cases(folder: Path, most: int | None = None) -> Iterator[Case]:
    """The partly hidden objects of the scenes of a folder."""
    count = 0
    for file in scene_files(folder):
        scene = read_scene(file)
        photo = Photo.from_array(scene.rgb)
        for i in range(len(scene.names)):
            share = scene.share(i)
            enough = scene.visible(i).sum() >= LEAST_AREA
            if enough and SHOWING[0] <= share <= SHOWING[1]:
                yield Case(scene, photo, file.stem, i, share)
                count += 1
                if count == most:
                    return


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union."""
    return float((a & b).sum()) / max(1, int((a | b).sum()))


def answers(case: Case, hiders: str, completer: EmbeddedCompleter) -> dict[str, object]:
    """The IoU with the truth of each answer, and how sure the network was."""
    masks = case.masks(hiders)
    visible = masks.visible.numpy()
    smooth = visible | complete_outline(visible, masks.hiders.numpy()).hidden
    found = completer.look(case.photo, masks)
    learnt = visible if found is None else visible | found.hidden.numpy()
    sure = 1.0 if found is None else found.sure
    ours = (
        learnt if found is None or sure >= completer.least_sure else visible | found.smooth.hidden
    )
    named = {"visible": visible, "symmetry": smooth, "network": learnt, "embedded": ours}
    return {
        "hiders": hiders,
        "scene": case.file,
        "name": case.scene.names[case.number],
        "share": case.share,
        "sure": sure,
        **{name: overlap(mask, case.truth) for name, mask in named.items()},
    }


def measure(folder: Path, completer: EmbeddedCompleter, out: Path | None, most: int) -> None:
    """Prints the tables; OUT takes a line of figures for each object."""
    rows = []
    for case in track(list(cases(folder, most)), "objects"):
        rows += [answers(case, hiders, completer) for hiders in HIDERS]
    if out is not None:
        out.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for hiders in HIDERS:
        chosen = [row for row in rows if row["hiders"] == hiders]
        print(f"\nhiders {hiders}: {len(chosen)} objects")
        table(chosen)


def table(rows: Sequence[Mapping[str, object]]) -> None:
    """Mean IoU and the share of the visible mask's error removed, by how much shows."""
    spans = [SHOWING, *itertools.pairwise(BINS)]
    print(f"{'showing':12s} {'n':>5s}  visible   symmetry         network         embedded")
    for low, high in spans:
        inside = [row for row in rows if low <= float(str(row["share"])) <= high]
        if not inside:
            continue
        told = f"{low:.0%}-{high:.0%}".ljust(12) + f" {len(inside):5d}"
        values = {
            name: np.array([float(str(row[name])) for row in inside])
            for name in ("visible", "symmetry", "network", "embedded")
        }
        told += f"   {values['visible'].mean():.4f}"
        for name in ("symmetry", "network", "embedded"):
            told += f"   {values[name].mean():.4f} {removed(values['visible'], values[name]):+7.1%}"
        print(told)


def removed(before: np.ndarray, after: np.ndarray) -> float:
    """How much of the error 1 - IoU is gone, of all objects together."""
    return float(1 - (1 - after).sum() / (1 - before).sum())


def score(network: nn.Module, store: Store, targets: Sequence[Target]) -> str:
    """Quick figures while training: true hiders, at the photo's resolution."""
    values, place = [], next(network.parameters()).device
    for target in targets:
        masks = data.masks_of(store, target)
        square = square_around(masks)
        if square is None:
            continue
        sample = data.plain(store, target, masks, square)
        logits = asked(network, sample.planes.to(place), sample.tokens.to(place))
        visible, truth = masks.visible.numpy(), store.truth(target)
        whole = visible | drawn(logits, masks, square).numpy()
        sure = sureness(logits, masks, square)
        values.append((overlap(visible, truth), overlap(whole, truth), sure))
    before, after, sure = np.array(values).T
    rank = np.corrcoef(sure, after)[0, 1]
    return (
        f"IoU {before.mean():.4f} -> {after.mean():.4f}, {removed(before, after):.1%} removed, "
        f"worse {np.mean(after < before - 0.02):.1%}, sureness correlates {rank:.2f}"
    )
