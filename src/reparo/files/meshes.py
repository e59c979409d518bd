"""Meshes in: GLB, glTF, OBJ and PLY through trimesh, as one `Mesh` each.

What comes out is what the file shows once its node transforms are applied: every geometry of every
node, merged, with one material a face. Vertices that no face uses are left out, since they would
spoil the mesh's extent. Nothing is welded or repaired.
"""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reparo.errors import InputError
from reparo.files.checks import REACH
from reparo.files.colours import encode_rgb
from reparo.files.materials import material_from_trimesh
from reparo.scene import Material, Mesh

log = logging.getLogger(__name__)

SUFFIXES = (".glb", ".gltf", ".obj", ".ply")
COMPRESSED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_mesh_quantization")


def read_mesh(path: Path) -> Mesh:
    """The mesh in a file, in its own frame after its own node transforms."""
    _check_file(path)
    header = _gltf_header(path)
    if needed := [name for name in COMPRESSED if name in str(header.get("extensionsRequired"))]:
        raise InputError(
            f"{path} needs the glTF extension {needed[0]}, which cannot be read; "
            "export it without compression"
        )
    if "KHR_texture_transform" in str(header.get("extensionsUsed")):
        log.warning("%s moves its textures by KHR_texture_transform, which is left out", path)
    try:
        mesh = _merged(_load(path), _colours_are_linear(path, header))
    except Exception as error:  # parsers raise whatever they like on broken files
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        kind = path.suffix[1:].upper()
        raise InputError(
            f"{path} must be a sound {kind} mesh, it cannot be read ({reason}); export it again"
        ) from error
    return _without_unused_vertices(_checked(path, mesh))


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"no mesh at {path}; check the path")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"a mesh is a file of the kinds {', '.join(SUFFIXES)}, got {path}; export it as GLB"
        )
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty, a mesh was wanted; export it again")


def _checked(path: Path, mesh: Mesh | None) -> Mesh:
    if mesh is None or len(mesh.faces) == 0:
        raise InputError(f"{path} has no triangles, a surface was wanted; export it with its faces")
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise InputError(
            f"the faces of {path} must use vertices 0 to {len(mesh.vertices) - 1}, they reach from "
            f"{int(mesh.faces.min())} to {int(mesh.faces.max())}; export it again"
        )
    used = mesh.vertices[mesh.faces.flatten()]
    if not used.isfinite().all():
        raise InputError(f"{path} has vertices that are not finite numbers; export it again")
    if used.abs().max() > REACH:
        raise InputError(
            f"the vertices of {path} must lie within {REACH:g} of its origin, one is "
            f"{used.abs().max().item():g} away; export it in another unit"
        )
    if (used.amax(0) - used.amin(0)).max() <= 1 / REACH:
        raise InputError(f"all triangles of {path} are one point, a surface was wanted")
    return mesh


def _gltf_header(path: Path) -> dict[str, Any]:
    """A glTF file's JSON; empty for other kinds, and for broken ones, which trimesh refuses."""
    try:
        if path.suffix.lower() == ".gltf":
            header = json.loads(path.read_bytes())
        elif path.suffix.lower() == ".glb":
            with path.open("rb") as file:
                start = file.read(20)  # magic, version, length; the first chunk's length and kind
                header = json.loads(file.read(int.from_bytes(start[12:16], "little")))
        else:
            return {}
    except (OSError, ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}


def _colours_are_linear(path: Path, header: dict[str, Any]) -> bool:
    """Whether vertex colours count light, as glTF rules, or are sRGB, as everywhere else.

    trimesh, with which most image-to-3D networks export, writes the sRGB bytes it holds unchanged.
    """
    by_trimesh = "mikedh/trimesh" in str(header.get("asset", ""))
    return path.suffix.lower() in (".glb", ".gltf") and not by_trimesh


def _load(path: Path) -> Any:
    import trimesh

    return trimesh.load_scene(path, process=False)


def _merged(scene: Any, linear: bool) -> Mesh | None:
    """All triangles of a trimesh scene; None where there are none."""
    import trimesh

    materials: dict[tuple[int, bool], tuple[int, Material]] = {}
    textures: dict[int, Tensor] = {}  # by the id of the picture, which `scene` keeps alive
    parts = []
    for node in scene.graph.nodes_geometry:
        transform, name = scene.graph[node]
        geometry = scene.geometry[name]
        if isinstance(geometry, trimesh.Trimesh) and len(geometry.faces):
            look = getattr(geometry.visual, "material", None)
            key = (id(look), getattr(geometry.visual, "uv", None) is not None)
            if key not in materials:
                material = material_from_trimesh(look, key[1], textures)
                materials[key] = (len(materials), material)
            parts.append(_part(geometry, transform, linear, materials[key][0]))
    if not parts:
        return None
    starts = np.cumsum([0] + [len(part["vertices"]) for part in parts])
    faces = [part["faces"] + int(start) for part, start in zip(parts, starts, strict=False)]
    rest = ("vertices", "uv", "colours", "face_material")
    return Mesh(
        **{key: torch.cat([part[key] for part in parts]) for key in rest},
        faces=torch.cat(faces),
        materials=tuple(material for _, material in materials.values()),
    )


def _part(geometry: Any, transform: np.ndarray, linear: bool, material: int) -> dict[str, Tensor]:
    """One geometry of one node as a mesh's arrays, the transform applied."""
    faces = np.array(geometry.faces, dtype=np.int64)
    vertices = np.array(geometry.vertices, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        vertices = vertices @ transform[:3, :3].T + transform[:3, 3]
    colours = _colours(geometry, linear)
    uv = _uv(geometry)
    if geometry.visual.kind == "face":  # a colour a face: each face gets its own vertices
        vertices, uv = vertices[faces.reshape(-1)], uv[torch.from_numpy(faces.reshape(-1))]
        faces = np.arange(faces.size).reshape(-1, 3)
    if np.linalg.det(transform[:3, :3]) < 0:  # a mirrored node: keep the outside outside
        faces = faces[:, ::-1].copy()
    return {
        "vertices": torch.from_numpy(vertices).to(torch.get_default_dtype()),
        "faces": torch.from_numpy(faces),
        "uv": uv,
        "colours": colours,
        "face_material": torch.full((len(faces),), material, dtype=torch.long),
    }


def _uv(geometry: Any) -> Float[Tensor, "v 2"]:
    """(0, 0) at the top left; trimesh has it at the bottom left."""
    uv = getattr(geometry.visual, "uv", None)
    if uv is None or len(uv) != len(geometry.vertices):
        return torch.zeros(len(geometry.vertices), 2)
    flipped = np.column_stack([uv[:, 0], 1 - np.asarray(uv[:, 1], dtype=np.float64)])
    return torch.from_numpy(np.nan_to_num(flipped)).to(torch.get_default_dtype())


def _colours(geometry: Any, linear: bool) -> Float[Tensor, "n 4"]:
    """sRGB and alpha a vertex (three a face where the file colours faces); white if it has none."""
    visual = geometry.visual
    if visual.kind == "face":
        stored = np.repeat(np.asarray(visual.face_colors), 3, axis=0)
    elif visual.kind == "vertex":
        stored = np.asarray(visual.vertex_colors)
    else:
        stored = getattr(visual, "vertex_attributes", {}).get("color")  # glTF's
        if stored is None:
            stored = geometry.vertex_attributes.get("color")  # OBJ's and PLY's
    if stored is None or len(stored) not in (len(geometry.vertices), 3 * len(geometry.faces)):
        return torch.ones(len(geometry.vertices), 4)
    top = np.iinfo(stored.dtype).max if stored.dtype.kind in "iu" else 1.0
    scaled = np.nan_to_num(np.asarray(stored, dtype=np.float64) / top).clip(0, 1)
    if scaled.shape[1] == 3:
        scaled = np.column_stack([scaled, np.ones(len(scaled))])
    colours = torch.from_numpy(scaled).to(torch.get_default_dtype())
    return encode_rgb(colours) if linear else colours


def _without_unused_vertices(mesh: Mesh) -> Mesh:
    used, faces = torch.unique(mesh.faces, return_inverse=True)
    return Mesh(
        mesh.vertices[used],
        faces,
        mesh.uv[used],
        mesh.colours[used],
        mesh.materials,
        mesh.face_material,
    )
