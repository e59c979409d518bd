"""How exact a depth backend is.

    python benchmarks/depth.py scenes SCENES [--use embedded]       against exact truth
    python benchmarks/depth.py stereo [--use embedded]              a real pair with true disparity
    python benchmarks/depth.py stereo --photo LEFT --disparity PNG  another one; 0: unknown
    python benchmarks/depth.py sheet OUT.png PHOTO [PHOTO ...]      real photographs, to look at

SCENES/ID holds image.png, masks/, depth.npz and truth.json. An object's depth is the median of z
over its visible pixels, after one affine fit of inverse depth over all object pixels of a picture.
`pixels`: the same of single pixels' errors; `edge`: of those within 3 px of an outline.
"""

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
import tyro
from PIL import Image
from scipy.ndimage import binary_erosion
from scipy.stats import spearmanr
from skimage import data

from reparo import registry
from reparo.evaluate.table import text_table
from reparo.files.images import read_mask, read_photo
from reparo.report.contact_sheet import write_contact_sheet
from reparo.scene import Camera, Depth, Photo, Region, Similarity

CLEAR = 0.05  # of the depth: objects this far apart have an order
EDGE = 3  # px
PER_ROW = 3  # photos of a sheet
app = tyro.extras.SubcommandApp()


@app.command(name="scenes")
def scenes(scenes: tyro.conf.Positional[Path], /, use: str = "embedded") -> None:
    """Prints a row a scene, then figures over all objects and pairs."""
    objects, pairs, rows = [], [], []
    for folder in sorted(scenes.iterdir()):
        photo = read_photo(folder / "image.png")
        regions = [
            Region(file.stem, read_mask(file, photo.size, file.stem))
            for file in sorted((folder / "masks").glob("*.png"))
        ]
        truth = json.loads((folder / "truth.json").read_text())
        said = inverse(estimate(use, photo, regions, truth["camera"]["fov_y_deg"]), photo.size)
        stored = np.load(folder / "depth.npz")
        z = stored[stored.files[0]].astype(float)
        masks = [region.visible.numpy() for region in regions]
        found, right, correlation = compare(said, z, masks)
        objects += found
        pairs += right
        worst = max(error for error, _, _ in found)
        rows.append({"scene": folder.name, "worst object": worst, "rank": correlation})
    print(text_table(rows))
    depth, pixels, edge = np.array(objects).T
    for name, errors in (("object", depth), ("pixels", pixels), ("edge", edge)):
        print(f"{name}: median {np.median(errors):.2%}, mean {errors.mean():.2%}, {len(errors)}")
    print(f"order right: {np.mean(pairs):.1%} of {len(pairs)} pairs")


@app.command(name="stereo")
def stereo(use: str = "embedded", photo: Path | None = None, disparity: Path | None = None) -> None:
    """Rank correlation with the true disparity; a motorcycle in a garage unless said. No masks."""
    if bool(photo) != bool(disparity):
        raise SystemExit("another pair is --photo and --disparity, both")
    left, _, true = data.stereo_motorcycle()
    if photo and disparity:
        left = np.asarray(Image.open(photo).convert("RGB"))
        true = np.asarray(Image.open(disparity), float)
    picture = Photo.from_array(np.ascontiguousarray(left))
    said = inverse(estimate(use, picture, [], 40.0), picture.size)
    known = np.isfinite(true) & (true > 0)
    print(f"rank correlation {spearmanr(said[known], true[known]).statistic:.3f}")


@app.command(name="sheet")
def sheet(
    out: tyro.conf.Positional[Path], photos: tyro.conf.Positional[tuple[Path, ...]], /
) -> None:
    """Photos beside their disparity: bright is near. No masks are given; doubts are said."""
    pairs = []
    for path in photos:
        photo, notes = read_photo(path), []
        said = inverse(estimate("embedded", photo, [], 50.0, notes), photo.size)
        low, high = np.quantile(said, [0.01, 0.99])
        grey = (((said - low) / (high - low)).clip(0, 1) * 255).astype(np.uint8)
        title = f"{path.stem.removeprefix('pexels-')}{', unsure' if notes else ''}"
        pictures = (photo.to_array(), np.stack([grey] * 3, -1))
        pairs.append([(title, square(pictures[0])), ("", square(pictures[1]))])
    starts = range(0, len(pairs), PER_ROW)
    rows = [[cell for pair in pairs[at : at + PER_ROW] for cell in pair] for at in starts]
    write_contact_sheet(out, [("", row) for row in rows])


def square(pixels: np.ndarray, side: int = 240) -> Image.Image:
    """A picture in the middle of a white square."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side))
    ground = Image.new("RGB", (side, side), "white")
    ground.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return ground


def estimate(
    use: str, photo: Photo, regions: Sequence[Region], fov: float, notes: list[str] | None = None
) -> Depth:
    """What the backend says, for a camera 1 above the ground that looks down a little."""
    half = np.radians(15.0) / 2
    tilt = torch.tensor([np.cos(half), -np.sin(half), 0.0, 0.0], dtype=photo.rgb.dtype)
    pose = Similarity(tilt, tilt.new_tensor([0.0, 1.0, 0.0]), tilt.new_tensor(1.0))
    told = {"note": print if notes is None else notes.append} if use == "embedded" else {}
    estimator = registry.create("depth", use, **told)
    return estimator(photo, Camera.from_fov(fov, photo.size, pose), regions)


def inverse(depth: Depth, size: tuple[int, int]) -> np.ndarray:
    """Inverse depth up to gain and offset, at the photo's size; unknown is the least of all."""
    values = depth.values.numpy().astype(float)
    if depth.kind != "disparity":
        values = 1 / np.maximum(values, 1e-6)
    values = np.where(depth.known.numpy(), values, values[depth.known.numpy()].min())
    picture = Image.fromarray(values.astype("f4")).resize(size[::-1], Image.Resampling.NEAREST)
    return np.asarray(picture, float)


def compare(
    said: np.ndarray, z: np.ndarray, masks: Sequence[np.ndarray]
) -> tuple[list[tuple[float, float, float]], list[bool], float]:
    """Each object's errors (median depth, pixels, edge); each clear pair's order; correlation."""
    inside = np.any(masks, 0) & (z > 0)
    design = np.stack([said[inside], np.ones(inside.sum())], -1)
    gain, offset = np.linalg.lstsq(design, 1 / z[inside], rcond=None)[0]
    ours = 1 / np.maximum(gain * said + offset, 1e-6)
    errors, places = [], []
    for mask in masks:
        shown = mask & (z > 0)
        single = np.abs(ours - z)[shown] / z[shown]
        rim = (shown & ~binary_erosion(shown, iterations=EDGE))[shown]
        places.append((np.median(z[shown]), np.median(ours[shown])))
        errors.append((abs(places[-1][1] / places[-1][0] - 1), single.mean(), single[rim].mean()))
    right = [
        (a[0] < b[0]) == (a[1] < b[1])
        for a, b in combinations(places, 2)
        if abs(a[0] - b[0]) > CLEAR * min(a[0], b[0])
    ]
    known = z > 0
    return errors, right, float(spearmanr(said[known], 1 / z[known]).statistic)


if __name__ == "__main__":
    app.cli()
