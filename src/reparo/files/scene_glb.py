"""Scenes and meshes out as GLB: a named node per object, the photo's camera, one world."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from reparo.files.colours import decode_rgb
from reparo.files.glb import GlbBuilder
from reparo.files.normals import vertex_normals
from reparo.files.staging import Stage, World
from reparo.scene import Material, Mesh, Similarity

NEAR = 0.01  # world units; glTF cameras must have one
UNLIT = "KHR_materials_unlit"


def write_scene_glb(path: Path, stage: Stage) -> None:
    """Each piece's geometry about its pivot, its node's transform its pose; then the camera.

    `asset.extras` says what is known of the world.
    """
    builder = GlbBuilder()
    roots = []
    for piece in stage.pieces:
        node = {"name": piece.name, "mesh": _mesh(builder, piece.mesh, piece.name, piece.unlit)}
        if piece.extras:
            node["extras"] = dict(piece.extras)
        roots.append(builder.add("nodes", node | _pose(piece.pose)))
    roots.append(_camera(builder, stage))
    path.write_bytes(builder.to_bytes(roots, world_table(stage.world)))


def world_table(world: World) -> dict[str, Any]:
    """`unit` is "metre" or "unknown"; `ground_y` the height of the ground or null."""
    return {"unit": "metre" if world.metric else "unknown", "ground_y": world.ground}


def write_mesh_glb(path: Path, mesh: Mesh) -> None:
    """One mesh in its own frame, named as the file."""
    builder = GlbBuilder()
    node = {"name": path.stem, "mesh": _mesh(builder, mesh, path.stem)}
    path.write_bytes(builder.to_bytes([builder.add("nodes", node)]))


def _pose(pose: Similarity) -> dict[str, Any]:
    """glTF's translation, rotation (real part last) and scale."""
    w, x, y, z = torch.nn.functional.normalize(pose.wxyz.double(), dim=-1).tolist()
    return {
        "translation": pose.translation.tolist(),
        "rotation": [x, y, z, w],
        "scale": [pose.scale.item()] * 3,
    }


def _camera(builder: GlbBuilder, stage: Stage) -> int:
    """The photo's; its size in pixels in `extras`, since glTF knows the shape alone."""
    height, width = stage.camera.size
    lens = {
        "yfov": float(np.radians(stage.camera.fov_y_deg)),
        "aspectRatio": width / height,
        "znear": min(NEAR, stage.nearest / 10),
    }
    name = stage.camera_name
    entry = {"name": name, "type": "perspective", "perspective": lens}
    pose = _pose(stage.camera.world_from_camera)
    del pose["scale"]  # 1
    node = {"name": name, "camera": builder.add("cameras", entry)} | pose
    return builder.add("nodes", node | {"extras": {"photo_size": [width, height]}})


def _mesh(builder: GlbBuilder, mesh: Mesh, name: str, unlit: bool = False) -> int:
    """One primitive a material, each with the vertices it uses."""
    primitives, normals = [], vertex_normals(mesh)
    for index, material in enumerate(mesh.materials):
        faces = mesh.faces[mesh.face_material == index]
        if len(faces):
            primitive = _primitive(builder, mesh, faces, normals)
            uv = mesh.uv[faces]
            repeats = bool((uv < 0).any() or (uv > 1).any())
            look = _material(builder, material, repeats, unlit)
            primitives.append(primitive | {"material": look})
    return builder.add("meshes", {"name": name, "primitives": primitives})


def _primitive(
    builder: GlbBuilder, mesh: Mesh, faces: Int[Tensor, "f 3"], normals: Float[Tensor, "v 3"] | None
) -> dict[str, Any]:
    """The faces of one material; coordinates and colours only where they say something."""
    used, local = torch.unique(faces, return_inverse=True)
    attributes = {"POSITION": builder.vectors(_array(mesh.vertices[used]), bounds=True)}
    if normals is not None:
        attributes["NORMAL"] = builder.vectors(_array(normals[used]))
    if (mesh.uv[used] != 0).any():
        attributes["TEXCOORD_0"] = builder.vectors(_array(mesh.uv[used]))
    colours = mesh.colours[used]
    if (colours != 1).any():
        attributes["COLOR_0"] = builder.vectors(_array(decode_rgb(colours.clamp(0, 1))))
    return {"attributes": attributes, "indices": builder.indices(_array(local))}


def _material(builder: GlbBuilder, material: Material, repeats: bool, unlit: bool) -> int:
    """Rough and not metallic, seen from both sides, as the renderer has it.

    Programs that do not know unlit materials show that instead, as the extension advises.
    """
    factor = decode_rgb(torch.tensor(material.base_colour, dtype=torch.float64)).tolist()
    surface: dict[str, Any] = {
        "baseColorFactor": factor,
        "metallicFactor": 0.0,
        "roughnessFactor": 1.0,
    }
    if material.texture is not None:
        number = builder.texture(id(material.texture), lambda: texture_bytes(material), repeats)
        surface["baseColorTexture"] = {"index": number}
    entry: dict[str, Any] = {"pbrMetallicRoughness": surface, "doubleSided": True}
    if material.name:
        entry["name"] = material.name
    if material.alpha_cutoff is not None:
        entry |= {"alphaMode": "MASK", "alphaCutoff": material.alpha_cutoff}
    if unlit:
        entry["extensions"] = {UNLIT: {}}
        builder.extensions.add(UNLIT)
    return builder.add("materials", entry)


def texture_bytes(material: Material) -> np.ndarray:
    """8-bit RGBA of a material's texture, RGB where it is opaque all over."""
    assert material.texture is not None
    pixels = (material.texture.clamp(0, 1) * 255).round().to(torch.uint8)
    opaque = bool((pixels[..., 3] == 255).all())
    return np.ascontiguousarray(pixels[..., : 3 if opaque else 4].cpu().numpy())


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()
