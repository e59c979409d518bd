"""Many made-up scenes on disk, each from its own seed: parallel, and resumed where it stopped.

    python -m training.scenes LIBRARY OUT --count 3600 [--held-out] [--close] [--varied]

OUT/NNNNN.npz: rgb uint8 [s, s, 3]; disparity float16 [s, s], 1/z, 0 unknown; index uint8 [s, s],
0 no object, else the object's number from 1, visible pixels; full: packbits of bool [n, s, s], not
of varied scenes; z float32 [n], of each object's middle along the axis; names [n]; fov_y_deg;
pitch_deg.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import Image
from rich.progress import track

from training.film import developed
from training.light import random_light
from training.picture import full_masks, look
from training.pool import pool
from training.rays import World
from training.room import SIDE, random_room
from training.shine import random_shine
from training.stock import Stock

LEAST_VISIBLE = 60  # px: an object that shows less is no object


@dataclass(frozen=True)
class Plan:
    """What is to be made."""

    library: tyro.conf.Positional[Path]
    out: tyro.conf.Positional[Path]
    held_out: bool = False
    close: bool = False
    varied: bool = False  # things that no other scene has, often a large one; shine, lenses, films
    seed: int = 0
    side: int = SIDE  # px


def main(plan: tyro.conf.OmitArgPrefixes[Plan], count: int = 6000) -> None:
    """Makes what is not there yet; draws a contact sheet of the first 48."""
    plan.out.mkdir(parents=True, exist_ok=True)
    missing = [number for number in range(count) if not _file(plan, number).exists()]
    with pool() as workers:
        jobs = [workers.submit(make, plan, number) for number in missing]
        for job in track(jobs, "scenes"):
            job.result()
    contact_sheet([_file(plan, number) for number in range(min(count, 48))], plan.out / "sheet.png")


def make(plan: Plan, number: int) -> None:
    """One scene; whole or not there at all."""
    rng = np.random.default_rng([plan.seed, int(plan.held_out), number])
    stock = Stock(plan.library, plan.held_out, plan.varied)
    room = random_room(rng, stock, plan.close, plan.side)
    world = World([*room.objects, *room.surroundings])
    shine = random_shine(rng, len(world.meshes)) if plan.varied else None
    truth = look(world, room.view, random_light(rng), rng, shine)
    visible = [int((truth.index == i).sum()) >= LEAST_VISIBLE for i in range(len(room.objects))]
    kept = [i for i, seen in enumerate(visible) if seen]
    index = np.zeros(truth.index.shape, np.uint8)
    for place, i in enumerate(kept, 1):
        index[truth.index == i] = place
    objects = [room.objects[i] for i in kept]
    middles = (
        np.stack([mesh.bounds.numpy().mean(0) for mesh in objects]) if kept else np.zeros((0, 3))
    )
    part = _file(plan, number).with_suffix(".part")
    with part.open("wb") as file:
        np.savez_compressed(
            file,
            rgb=developed(truth.rgb, rng) if plan.varied else truth.rgb,
            disparity=truth.disparity.astype("f2"),
            index=index,
            **({} if plan.varied else {"full": np.packbits(full_masks(objects, room.view))}),
            z=room.view.seen(middles)[1].astype("f4"),
            names=np.array([room.names[i] for i in kept]),
            fov_y_deg=np.degrees(room.view.fov_y),
            pitch_deg=np.degrees(np.arcsin(room.view.rotation[1, 2])),
        )
    part.rename(_file(plan, number))


def contact_sheet(files: list[Path], out: Path, columns: int = 8, side: int = 168) -> None:
    """Picture above disparity, for a look."""
    rows = -(-len(files) // columns)
    sheet = Image.new("RGB", (columns * side, rows * 2 * side))
    for number, file in enumerate(files):
        kept = np.load(file)
        disparity = kept["disparity"].astype(float)
        grey = (disparity / max(disparity.max(), 1e-9) * 255).astype(np.uint8)
        grey = np.stack([grey, grey, (grey * (kept["index"] == 0)).astype(np.uint8)], -1)
        row, column = divmod(number, columns)
        for down, pixels in enumerate((kept["rgb"], grey)):
            picture = Image.fromarray(pixels).resize((side, side))
            sheet.paste(picture, (column * side, (2 * row + down) * side))
    sheet.save(out)


def _file(plan: Plan, number: int) -> Path:
    return plan.out / f"{number:05d}.npz"


if __name__ == "__main__":
    tyro.cli(main)
