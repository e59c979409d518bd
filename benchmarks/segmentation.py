"""How many objects automatic segmentation finds, and how many it makes up.

    python benchmarks/segmentation.py --scenes FOLDER

FOLDER holds a folder per scene with image.png and masks/NAME.png (visible parts). An object is
found if a region has an IoU above 0.7 with it; a region is false if its IoU is below 0.5 with
every object.
"""

import argparse
import resource
import time
from pathlib import Path

import torch

from reparo import registry
from reparo.files.images import read_mask, read_photo


def overlaps(scene: Path, backend: str) -> tuple[list[str], torch.Tensor, list[str]]:
    """IoU [objects, regions], and the names of both."""
    photo = read_photo(scene / "image.png")
    names = sorted(path.stem for path in (scene / "masks").glob("*.png"))
    masks = [read_mask(scene / "masks" / f"{name}.png", photo.size, name) for name in names]
    regions = registry.create("segment", backend)(photo)
    iou = torch.zeros(len(names), len(regions))
    for i, mask in enumerate(masks):
        for j, region in enumerate(regions):
            iou[i, j] = (mask & region.visible).sum() / (mask | region.visible).sum()
    return names, iou, [region.name for region in regions]


def main() -> None:
    """Prints a line per scene and the two shares over all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=Path, required=True)
    parser.add_argument("--backend", default="sam")
    options = parser.parse_args()
    found = objects = false = 0
    scenes = sorted(path.parent for path in options.scenes.glob("*/image.png"))
    for scene in scenes:
        start = time.perf_counter()
        names, iou, regions = overlaps(scene, options.backend)
        best = iou.amax(1) if len(regions) else torch.zeros(len(names))
        invented = int((iou.amax(0) < 0.5).sum()) if len(regions) else 0
        objects, false = objects + len(names), false + invented
        found += int((best > 0.7).sum())
        line = " ".join(f"{name} {value:.2f}" for name, value in zip(names, best, strict=True))
        print(f"{scene.name}: {time.perf_counter() - start:.1f} s, {invented} false; {line}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"found {found} of {objects} ({found / max(objects, 1):.0%}), "
        f"{false / max(len(scenes), 1):.2f} false a picture; peak memory {peak:.0f} MB"
    )


if __name__ == "__main__":
    main()
