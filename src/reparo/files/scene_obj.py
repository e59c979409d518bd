"""Scenes and meshes out as OBJ, with an MTL and PNG textures beside it; no camera in this format.

Colours are sRGB, as programs take them; vertex colours follow the positions, without their alpha.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from reparo.files.scene_glb import texture_bytes
from reparo.scene import Material, Mesh, Scene


def write_scene_obj(path: Path, scene: Scene) -> None:
    """The whole scene in world units, an `o` and a `g` per object."""
    placed = [
        (name, mesh, scene.layout[index].apply(mesh.vertices))
        for index, (name, mesh) in enumerate(zip(scene.names, scene.meshes, strict=True))
    ]
    _write(path, placed)


def write_mesh_obj(path: Path, mesh: Mesh) -> None:
    """One mesh in its own frame, named as the file."""
    _write(path, [(path.stem, mesh, mesh.vertices)])


def _write(path: Path, objects: Sequence[tuple[str, Mesh, torch.Tensor]]) -> None:
    stem = path.stem.replace(" ", "_")  # readers end a file's name at the first space
    lines, materials = [f"mtllib {stem}.mtl"], []
    coloured = any(bool((mesh.colours != 1).any()) for _, mesh, _ in objects)  # all or none may be
    start = 1
    for name, mesh, vertices in objects:
        lines += [f"o {name}", f"g {name}"]
        lines += _rows("v", [vertices, mesh.colours[:, :3]] if coloured else [vertices])
        lines += _rows("vt", [mesh.uv * mesh.uv.new_tensor([1, -1]) + mesh.uv.new_tensor([0, 1])])
        for index, material in enumerate(mesh.materials):
            label = f"{name}-{index}"
            corners = (mesh.faces[mesh.face_material == index] + start).tolist()
            if corners:
                lines.append(f"usemtl {label}")
                lines += [f"f {a}/{a} {b}/{b} {c}/{c}" for a, b, c in corners]
                materials += _material(path.parent, stem, label, material)
        start += len(vertices)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (path.parent / f"{stem}.mtl").write_text("\n".join(materials) + "\n", encoding="utf-8")


def _rows(key: str, columns: list[torch.Tensor]) -> list[str]:
    values = np.concatenate([column.detach().cpu().numpy() for column in columns], axis=1)
    form = key + " %.9g" * values.shape[1]
    return [form % tuple(row) for row in values.tolist()]


def _material(folder: Path, stem: str, label: str, material: Material) -> list[str]:
    """The MTL lines of one material; writes its texture."""
    red, green, blue, _ = material.base_colour
    lines = [f"newmtl {label}", f"Kd {red:.9g} {green:.9g} {blue:.9g}", "Ks 0 0 0", "illum 1"]
    if material.texture is not None:
        picture = f"{stem}-{label}.png"
        Image.fromarray(texture_bytes(material)).save(folder / picture)
        lines.append(f"map_Kd {picture}")
        if material.alpha_cutoff is not None:
            lines.append(f"map_d {picture}")
    return lines
