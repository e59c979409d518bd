"""All views of one side of the split as a few large arrays, with what the transformer sees.

    python -m training.shape.pack VIEWS OUT [--held-out] [--mirrored]

OUT: tokens.npy float16 [n, 1152, 16, 16], of the cut-out on plain grey; rgba.npy uint8
[n, 128, 128, 4]; occupancy.npy uint8 [n, 64, 64, 64]; back.npy uint8 [n, 64, 64, 4]; focal.npy
float32 [n]; owner.npy [n], the model's number in names.txt. With `--mirrored` each view is followed
by its mirror image.
"""

from pathlib import Path

import numpy as np
import torch
import tyro
from numpy.lib.format import open_memmap
from rich.progress import track

from reparo.stages.reconstruct.shape_network import CLOSE, SEEN, TOKENS
from reparo.stages.reconstruct.shape_seen import on_grey, resized
from reparo.stages.vision.backbone import levels, packaged
from training import library

KEYS = ("rgba", "occupancy", "back")


def main(
    views: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    /,
    held_out: bool = False,
    mirrored: bool = False,
) -> None:
    """Writes the arrays."""
    torch.set_num_threads(1)
    names = library.names(views, held_out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "names.txt").write_text("\n".join(names) + "\n")
    first = np.load(views / f"{names[0]}.npz")
    count = len(names) * len(first["focal"]) * (1 + mirrored)
    shapes = {"tokens": (TOKENS, SEEN // 14, SEEN // 14), "focal": (), "owner": ()}
    shapes |= {key: first[key].shape[1:] for key in KEYS} | {"rgba": (CLOSE, CLOSE, 4)}
    kinds = {"tokens": "f2", "focal": "f4", "owner": "i4"}
    arrays = {
        key: open_memmap(out / f"{key}.npy", "w+", kinds.get(key, "u1"), (count, *shape))
        for key, shape in shapes.items()
    }
    network = packaged("cpu").to(torch.bfloat16)
    place = 0
    for owner, name in enumerate(track(names, "tokens")):
        for part in _parts(views / f"{name}.npz", mirrored, network):
            for key, value in part.items():
                arrays[key][place : place + len(value)] = value
            arrays["owner"][place : place + len(part["focal"])] = owner
            place += len(part["focal"])


def _parts(file: Path, mirrored: bool, network: torch.nn.Module) -> list[dict[str, np.ndarray]]:
    """The views of one model as they are, then mirrored."""
    kept = np.load(file)
    straight = {key: kept[key] for key in (*KEYS, "focal")}
    flipped = {
        "rgba": straight["rgba"][:, :, ::-1],
        "occupancy": straight["occupancy"][..., ::-1],
        "back": straight["back"][:, :, ::-1],
        "focal": straight["focal"],
    }
    return [_shown(part, network) for part in ([straight, flipped] if mirrored else [straight])]


@torch.inference_mode()
def _shown(part: dict[str, np.ndarray], network: torch.nn.Module) -> dict[str, np.ndarray]:
    rgba = torch.from_numpy(part["rgba"].copy()).movedim(-1, 1).float() / 255
    tokens = levels(network, on_grey(rgba).to(torch.bfloat16))
    small = (resized(rgba, CLOSE) * 255).round().to(torch.uint8)
    return part | {"tokens": tokens.half().numpy(), "rgba": small.movedim(1, -1).numpy()}


if __name__ == "__main__":
    tyro.cli(main)
