"""Cut-outs on disk, and their outlines back in the photo.

`NAME.png` holds colours and outline (RGBA), `NAME.visible.png` what the photo shows of it,
`NAME.json` where it was cut, and `NAME.depth.npy` the depth, if there is one. `NAME.invented.png`
shows what was invented, if anything was: the opaque pixels that are not visible. It is not read.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from PIL import Image
from torch import Tensor

from reparo.errors import InputError
from reparo.scene import Cutout


def write_cutout(folder: Path, name: str, cutout: Cutout) -> None:
    """Writes one object's cut-out as files that a person can open; colours become 8-bit."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rgba(folder / f"{name}.png", cutout)
    visible = cutout.visible.cpu().numpy().astype(np.uint8) * 255
    Image.fromarray(visible).save(folder / f"{name}.visible.png")
    invented = folder / f"{name}.invented.png"
    invented.unlink(missing_ok=True)
    if cutout.invented.any():
        Image.fromarray(cutout.invented.cpu().numpy().astype(np.uint8) * 255).save(invented)
    note = {
        "photo_from_cutout": cutout.photo_from_cutout.tolist(),
        "focal": cutout.focal,
        "principal": cutout.principal,
        "up": cutout.up,
    }
    (folder / f"{name}.json").write_text(json.dumps(note, indent=1) + "\n")
    depth = folder / f"{name}.depth.npy"
    depth.unlink(missing_ok=True)
    if cutout.depth is not None:
        np.save(depth, cutout.depth.cpu().numpy().astype(np.float32))


def write_rgba(path: Path, cutout: Cutout) -> None:
    """Writes colours and outline alone, as generators want them."""
    Image.fromarray(rgba_bytes(cutout)).save(path)


def rgba_bytes(cutout: Cutout) -> np.ndarray:
    """Colours and outline as 8-bit [s, s, 4], alpha not premultiplied."""
    return (cutout.rgba.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()


def read_cutout(folder: Path, name: str) -> Cutout:
    """Reads what `write_cutout` wrote; without `NAME.visible.png` all of the outline is visible."""
    path = folder / f"{name}.png"
    rgba = _read(path, lambda file: np.asarray(Image.open(file).convert("RGBA")))
    if rgba.shape[0] != rgba.shape[1]:
        raise InputError(
            f"{path}: a cut-out is a square, got {rgba.shape[1]}x{rgba.shape[0]} pixels; pad it"
        )
    if not (rgba[..., 3] >= 128).any():
        raise InputError(f"{path}: a cut-out needs an outline, but no pixel is opaque; redraw it")
    visible = rgba[..., 3] >= 128
    shown = folder / f"{name}.visible.png"
    if shown.exists():
        visible = _read(shown, lambda file: np.asarray(Image.open(file).convert("L"))) >= 128
        _check_size(shown, visible, rgba)
    depth_file = folder / f"{name}.depth.npy"
    depth = None
    if depth_file.exists():
        values = _read(depth_file, lambda file: np.load(file, allow_pickle=False))
        _check_size(depth_file, values, rgba)
        depth = torch.from_numpy(values).to(torch.get_default_dtype())
    return Cutout(
        torch.from_numpy(rgba.copy()).to(torch.get_default_dtype()) / 255,
        torch.from_numpy(visible.copy()),
        depth=depth,
        **_read_placing(folder / f"{name}.json"),
    )


def outline_in_photo(cutout: Cutout, size: tuple[int, int]) -> Bool[Tensor, "h w"]:
    """The full outline, hidden parts included, in the photo's pixels; outside the cut-out False.

    Each photo pixel asks the cut-out at its own centre, bilinearly; a half and above is inside.
    """
    height, width = size
    matrix = cutout.photo_from_cutout
    linear, shift = matrix[:, :2], matrix[:, 2]
    y, x = torch.meshgrid(
        torch.arange(height, dtype=matrix.dtype) + 0.5,
        torch.arange(width, dtype=matrix.dtype) + 0.5,
        indexing="ij",
    )
    pixels = (torch.stack([x, y], -1).reshape(-1, 2) - shift) @ torch.linalg.inv(linear).mT
    side = cutout.rgba.shape[0]
    grid = (pixels / side * 2 - 1).reshape(1, height, width, 2)
    alpha = cutout.rgba[None, None, ..., 3].to(matrix.dtype)
    sampled = torch.nn.functional.grid_sample(alpha, grid, align_corners=False)[0, 0]
    # half a pixel exactly (a border between pixels) is inside, whatever the rounding
    return sampled >= 0.5 - 1e-4


def _read(path: Path, load: Callable[[Path], Any]) -> Any:
    if not path.is_file():
        raise InputError(f"wanted the cut-out file {path}, which is not there; write it or rerun")
    try:
        return load(path)
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"cannot read {path}: {error}; write it again") from error


def _check_size(path: Path, values: np.ndarray, rgba: np.ndarray) -> None:
    if values.shape != rgba.shape[:2]:
        raise InputError(
            f"{path} must have its cut-out's size {list(rgba.shape[:2])}, got "
            f"{list(values.shape)}; resize it"
        )


def _read_placing(path: Path) -> dict[str, Any]:
    """Where it was cut, through which lens and how the camera was held, if that is noted."""
    note = _read(path, lambda file: json.loads(file.read_text()))
    matrix = np.asarray(note.get("photo_from_cutout") if isinstance(note, dict) else None)
    if matrix.shape != (2, 3) or matrix.dtype.kind not in "fi" or not np.isfinite(matrix).all():
        raise InputError(f"{path}: photo_from_cutout is 2 rows of 3 finite numbers; mend it")
    if abs(np.linalg.det(matrix[:, :2])) < 1e-12:
        raise InputError(f"{path}: photo_from_cutout squeezes the cut-out to nothing; mend it")
    focal = note.get("focal")
    if focal is not None and not (isinstance(focal, int | float) and 0 < focal < np.inf):
        raise InputError(f"{path}: focal is a number of pixels above 0, got {focal!r}; mend it")
    placing = torch.from_numpy(matrix).to(torch.get_default_dtype())
    return {
        "photo_from_cutout": placing,
        "focal": focal,
        "principal": _read_principal(path, note.get("principal")),
        "up": _read_up(path, note.get("up")),
    }


def _read_principal(path: Path, said: object) -> tuple[float, float] | None:
    if said is None:
        return None
    point = np.asarray(said)
    if point.shape != (2,) or point.dtype.kind not in "fi" or not np.isfinite(point).all():
        raise InputError(f"{path}: principal is 2 finite numbers, got {said!r}; mend it")
    x, y = point.tolist()
    return float(x), float(y)


def _read_up(path: Path, said: object) -> tuple[float, float, float] | None:
    """Three numbers, brought to length 1."""
    if said is None:
        return None
    up = np.asarray(said)
    if up.shape != (3,) or up.dtype.kind not in "fi" or not 0 < np.linalg.norm(up) < np.inf:
        raise InputError(f"{path}: up is 3 finite numbers, not all 0, got {said!r}; mend it")
    x, y, z = (up / np.linalg.norm(up)).tolist()
    return x, y, z
