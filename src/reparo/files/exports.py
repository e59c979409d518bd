"""Scenes and meshes out, the format by the file's suffix."""

from pathlib import Path

from reparo.errors import InputError
from reparo.files.scene_glb import write_mesh_glb, write_scene_glb
from reparo.files.scene_obj import write_mesh_obj, write_scene_obj
from reparo.scene import Mesh, Scene

SCENE_WRITERS = {".glb": write_scene_glb, ".obj": write_scene_obj}
MESH_WRITERS = {".glb": write_mesh_glb, ".obj": write_mesh_obj}


def write_scene(path: Path, scene: Scene) -> None:
    """A scene in the world of its camera."""
    SCENE_WRITERS[_suffix(path)](path, scene)


def write_mesh(path: Path, mesh: Mesh) -> None:
    """One mesh in its own frame."""
    MESH_WRITERS[_suffix(path)](path, mesh)


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SCENE_WRITERS:
        raise InputError(f"the format is one of {', '.join(SCENE_WRITERS)}, got {path.name!r}")
    return suffix
