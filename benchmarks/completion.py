"""How near completed outlines come to the truth, against leaving them as they are seen.

    python benchmarks/completion.py SCENE... [--backend symmetry]

Each SCENE is a folder with `masks/NAME.png` (what shows) and `full_masks/NAME.png` (the truth), and
maybe an `image.png`. Printed: for objects with a hidden part (2 % of the visible area or more) the
IoU with the truth of the visible and of the completed mask; for the others what the completion
changed.
"""

import argparse
from pathlib import Path

import torch
from jaxtyping import Bool
from torch import Tensor

from reparo import registry
from reparo.files.cutouts import outline_in_photo
from reparo.files.images import open_image, read_mask, read_photo
from reparo.scene import Photo, Region

HIDDEN_SHARE = 0.02


def main() -> None:
    """Scores one backend on the folders given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", type=Path, nargs="+")
    parser.add_argument("--backend", default="symmetry")
    parser.add_argument("--quiet", action="store_true", help="print only the summary")
    arguments = parser.parse_args()
    completer = registry.create("complete", arguments.backend)
    hidden, whole = [], []
    for scene in arguments.scenes:
        for name, visible, completed, truth in outlines(scene, completer):
            before, after = overlap(visible, truth), overlap(completed, truth)
            is_hidden = int(truth.sum()) > (1 + HIDDEN_SHARE) * int(visible.sum())
            (hidden if is_hidden else whole).append((before, after))
            if not arguments.quiet and (is_hidden or after != before):
                print(f"{scene.name:12s} {name:28s} {before:.3f} -> {after:.3f}")
    summary("hidden in part", hidden)
    summary("fully visible", whole)


def outlines(scene: Path, completer):
    """Name, visible mask, completed mask and truth of each object of a scene."""
    files = sorted((scene / "masks").glob("*.png"))
    image = open_image(files[0])
    size = image.height, image.width
    regions = [Region(file.stem, read_mask(file, size, file.stem)) for file in files]
    photo = Photo(torch.zeros(*size, 3))
    if (scene / "image.png").exists():
        photo = read_photo(scene / "image.png")
    for region in regions:
        truth = read_mask(scene / "full_masks" / f"{region.name}.png", size, region.name)
        cutout = completer(photo, region, [one for one in regions if one is not region], None)
        yield region.name, region.visible, region.visible | outline_in_photo(cutout, size), truth


def overlap(a: Bool[Tensor, "h w"], b: Bool[Tensor, "h w"]) -> float:
    """Intersection over union."""
    return float((a & b).sum()) / max(float((a | b).sum()), 1)


def summary(what: str, pairs: list[tuple[float, float]]) -> None:
    """One line of means."""
    if not pairs:
        return
    before, after = torch.tensor(pairs).unbind(-1)
    print(
        f"{what}: {len(pairs)} objects, mean IoU {before.mean():.4f} -> {after.mean():.4f}, "
        f"worse by over 0.02: {(after < before - 0.02).float().mean():.1%}, "
        f"worst change {(after - before).min():+.3f}"
    )


if __name__ == "__main__":
    main()
