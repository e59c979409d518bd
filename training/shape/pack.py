"""All views of one side of the split as a few large arrays.

    python -m training.shape.pack VIEWS OUT [--held-out] [--device auto]

OUT: rgba.npy uint8 [n, 224, 224, 4]; occupancy.npy uint8 [n, 64, 64, 64]; back.npy uint8
[n, 64, 64, 4]; focal.npy float32 [n]; up.npy float32 [n, 3]; owner.npy int32 [n], the model's
number in names.txt. Mirror images are made when they are asked for. A training on a GPU lets the
transformer look at each picture as it comes. For one on the CPU (`--device cpu`, or no GPU there)
tokens.npy is added, float16 [n, 2, 384, 16, 16]: what the transformer sees of each cut-out on
plain grey and of its mirror image, in principal components. That is 0.4 MB and 0.3 processor
seconds a view. Which components is kept in projection.npy, for both.
"""

from pathlib import Path

import numpy as np
import torch
import tyro
from numpy.lib.format import open_memmap
from rich.progress import track
from torch import Tensor, nn

from reparo.stages.reconstruct.shape_network import SEEN
from reparo.stages.reconstruct.shape_seen import on_grey
from reparo.stages.vision.backbone import levels, packaged
from training.pool import pool
from training.principal import FIT_ON, principal, read_projection
from training.schedule import chosen_device
from training.shape.split import names

KEYS = ("rgba", "occupancy", "back", "focal", "up")
AT_ONCE = 64  # pictures that the transformer looks at


def main(
    views: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    /,
    held_out: bool = False,
    device: str = "auto",
) -> None:
    """Writes the arrays."""
    chosen = names(views, held_out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "names.txt").write_text("\n".join(chosen) + "\n")
    files = [views / f"{name}.npz" for name in chosen]
    with pool() as workers:
        counts = list(workers.map(_count, files, chunksize=50))
        starts = np.cumsum([0, *counts])
        first = np.load(files[0])
        for key in KEYS:
            shape = (int(starts[-1]), *first[key].shape[1:])
            open_memmap(out / f"{key}.npy", "w+", first[key].dtype, shape)
        np.save(out / "owner.npy", np.repeat(np.arange(len(files), dtype=np.int32), counts))
        jobs = [
            workers.submit(_copied, file, out, int(start))
            for file, start in zip(files, starts, strict=False)
        ]
        for job in track(jobs, "views"):
            job.result()
    place = chosen_device(device)
    write_projection(out, place)
    if place.type == "cpu":
        write_tokens(out)


def _count(file: Path) -> int:
    return len(np.load(file)["focal"])


def _copied(file: Path, out: Path, start: int) -> None:
    """The views of one model in their places."""
    kept = np.load(file)
    for key in KEYS:
        value = kept[key]
        np.load(out / f"{key}.npy", mmap_mode="r+")[start : start + len(value)] = value


def write_projection(packed: Path, device: torch.device) -> None:
    """To the principal components of some views' tokens."""
    rgba, network = np.load(packed / "rgba.npy", mmap_mode="r"), packaged(str(device))
    rows = np.linspace(0, len(rgba) - 1, min(len(rgba), FIT_ON)).astype(int)
    parts = np.array_split(rows, -(-len(rows) // AT_ONCE))
    tokens = [tokens_of(network, _pictures(rgba[part]).to(device)).cpu() for part in parts]
    principal(torch.cat(tokens).float()).save(packed / "projection.npy")


def write_tokens(packed: Path) -> None:
    """What the transformer sees of each view and of its mirror image."""
    rgba, network = np.load(packed / "rgba.npy", mmap_mode="r"), packaged("cpu")
    projection = read_projection(packed / "projection.npy")
    shape = (len(rgba), 2, len(projection.matrix), SEEN // 14, SEEN // 14)
    found = open_memmap(packed / "tokens.npy", "w+", np.float16, shape)
    for start in track(range(0, len(rgba), AT_ONCE), "tokens"):
        part = _pictures(rgba[start : start + AT_ONCE])
        for mirrored, pictures in enumerate((part, part.flip(-1))):
            said = projection(tokens_of(network, pictures).float())
            found[start : start + AT_ONCE, mirrored] = said.half().numpy()


def _pictures(rgba: np.ndarray) -> Tensor:
    """0..1 [b, 4, h, w]."""
    return torch.from_numpy(np.array(rgba)).movedim(-1, 1).float() / 255


@torch.no_grad()
def tokens_of(network: nn.Module, rgba: Tensor) -> Tensor:
    """Of cut-outs [b, 4, 224, 224] on plain grey, in bfloat16."""
    with torch.autocast(rgba.device.type, torch.bfloat16):
        return levels(network, on_grey(rgba)).to(torch.bfloat16)


if __name__ == "__main__":
    tyro.cli(main)
