"""Runs the embedded preset on a folder of pictures: does each scene look like its photo?

    python benchmarks/pictures.py PICTURES OUT [--masks]

PICTURES holds image files, or folders with image.png (and masks/, used with --masks). Per picture:
objects, mean IoU of each object's re-rendered part with its own mask, mean PSNR inside the masks,
how many meshes are watertight, wall seconds.
"""

import argparse
import logging
import time
from pathlib import Path

import trimesh

import reparo
from reparo import registry
from reparo.errors import ReparoError
from reparo.evaluate.folder import evaluate_run
from reparo.evaluate.table import text_table


def main() -> None:
    """Prints a row per picture and the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--masks", action="store_true", help="use the masks beside each picture")
    options = parser.parse_args()
    logging.getLogger("reparo").setLevel(logging.ERROR)
    rows = [
        row(path, options.out / name, options.masks)
        for name, path in sorted(pictures(options.pictures).items())
    ]
    print(text_table(rows))
    done = [one for one in rows if one["objects"]]
    for key in ("IoU", "PSNR"):
        values = [value for one in done for value in one[f"each {key}"]]
        print(f"mean {key} over {len(values)} objects: {sum(values) / max(len(values), 1):.3f}")
    print("watertight:", all(one["watertight"] == one["objects"] for one in done))


def pictures(folder: Path) -> dict[str, Path]:
    """The pictures by a short name."""
    nested = {path.parent.name: path for path in folder.glob("*/image.png")}
    kinds = (".png", ".jpg", ".jpeg", ".webp")
    return nested or {path.stem: path for path in folder.iterdir() if path.suffix in kinds}


def row(photo: Path, out: Path, with_masks: bool) -> dict[str, object]:
    """One picture's figures; no objects if it failed, which is said."""
    begun = time.perf_counter()
    try:
        reparo.run(photo, out, masks=photo.parent / "masks" if with_masks else None)
    except ReparoError as error:
        print(f"{photo}: {error}")
        return {"picture": out.name, "objects": 0}
    seconds = time.perf_counter() - begun
    found = [errors for _, errors in evaluate_run(out, registry.create("render", "torch"))]
    meshes = [
        trimesh.load(path, force="mesh", process=False)
        for path in (out / "scene" / "objects").glob("*.glb")
    ]
    for mesh in meshes:
        mesh.merge_vertices(merge_tex=True, merge_norm=True)
    return {
        "picture": out.name,
        "objects": len(found),
        "IoU": sum(one.mask_iou for one in found) / len(found),
        "PSNR": sum(one.psnr for one in found) / len(found),
        "watertight": sum(mesh.is_watertight for mesh in meshes),
        "seconds": seconds,
        "each IoU": [round(one.mask_iou, 3) for one in found],
        "each PSNR": [round(one.psnr, 1) for one in found],
    }


if __name__ == "__main__":
    main()
