"""Scenes and meshes out as OBJ, with an MTL and PNG textures beside it; no camera in this format.

Colours are sRGB, as programs take them; vertex colours follow the positions, without their alpha.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from reparo.files.scene_glb import texture_bytes
from reparo.files.staging import Piece, Stage
from reparo.scene import Material, Mesh, Similarity


@dataclass(frozen=True)
class _Shape:
    """A mesh where it stands."""

    name: str
    mesh: Mesh
    places: torch.Tensor  # [v, 3]
    unlit: bool = False


def write_scene_obj(path: Path, stage: Stage) -> None:
    """The whole scene in world units, an `o` and a `g` per piece."""
    shapes = [_Shape(one.name, one.mesh, one.in_world, one.unlit) for one in stage.pieces]
    what = "metres" if stage.world.metric else "unknown"
    _write(path, shapes, f"{path.stem}-", f"# y up; unit: {what}")


def write_mesh_obj(path: Path, mesh: Mesh) -> None:
    """One mesh in its own frame, named as the file."""
    _write(path, [_Shape(path.stem, mesh, mesh.vertices)], "", "# y up")


def write_piece_obj(path: Path, piece: Piece, world_from_mesh: Similarity) -> list[Path]:
    """One piece, placed as said, its vertices in that frame; the textures' files."""
    shape = _Shape(path.stem, piece.mesh, world_from_mesh.apply(piece.mesh.vertices), piece.unlit)
    return _write(path, [shape], "", "# z up")


def _write(path: Path, shapes: Sequence[_Shape], prefix: str, head: str) -> list[Path]:
    stem = path.stem.replace(" ", "_")  # readers end a file's name at the first space
    lines, materials = [head, f"mtllib {stem}.mtl"], []
    coloured = any(bool((one.mesh.colours != 1).any()) for one in shapes)  # all or none may be
    start, first, pictures = 1, 1, []
    for one in shapes:
        places, place = _places(one, coloured)
        lines += [f"o {one.name}", f"g {one.name}"]
        lines += _rows("v", places)
        uv = one.mesh.uv
        lines += _rows("vt", uv * uv.new_tensor([1, -1]) + uv.new_tensor([0, 1]))
        for index, material in enumerate(one.mesh.materials):
            label = f"{one.name}-{index}"
            faces = one.mesh.faces[one.mesh.face_material == index]
            if len(faces):
                both = torch.stack([place[faces] + start, faces + first], -1).flatten(1).tolist()
                lines.append(f"usemtl {label}")
                lines += [f"f {a}/{i} {b}/{j} {c}/{k}" for a, i, b, j, c, k in both]
                picture = path.parent / f"{prefix}{label}.png".replace(" ", "_")
                materials += _material(label, material, picture, one.unlit)
                pictures += [picture] if material.texture is not None else []
        start, first = start + len(places), first + len(uv)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (path.parent / f"{stem}.mtl").write_text("\n".join(materials) + "\n", encoding="utf-8")
    return pictures


def _places(shape: _Shape, coloured: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """The `v` lines' numbers, each once, so that surfaces hang together; each vertex's line."""
    rows = torch.cat([shape.places, shape.mesh.colours[:, :3]], 1) if coloured else shape.places
    return torch.unique(rows, dim=0, return_inverse=True)


def _rows(key: str, values: torch.Tensor) -> list[str]:
    rows = np.asarray(values.detach().cpu().numpy(), dtype=np.float64)
    form = key + " %.9g" * rows.shape[1]
    return [form % tuple(row) for row in rows.tolist()]


def _material(label: str, material: Material, picture: Path, unlit: bool) -> list[str]:
    """The MTL lines of one material; writes its texture."""
    red, green, blue, _ = material.base_colour
    look = "illum 0" if unlit else "illum 1"
    lines = [f"newmtl {label}", f"Kd {red:.9g} {green:.9g} {blue:.9g}", "Ks 0 0 0", look]
    if material.texture is not None:
        Image.fromarray(texture_bytes(material)).save(picture)
        lines.append(f"map_Kd {picture.name}")
        if material.alpha_cutoff is not None:
            lines.append(f"map_d {picture.name}")
    return lines
