"""What other programs open: scenes in several formats, and single meshes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from reparo.contracts import Progress, quiet
from reparo.errors import InputError, MissingExtra
from reparo.files.folder import is_result, whole, whole_file
from reparo.files.mjcf import write_mjcf
from reparo.files.scene_glb import write_mesh_glb, write_scene_glb
from reparo.files.scene_obj import write_mesh_obj, write_scene_obj
from reparo.files.scene_usd import write_scene_usda, write_scene_usdz
from reparo.files.staging import Stage
from reparo.files.urdf import write_urdf
from reparo.scene import Mesh

MESH_WRITERS = {".glb": write_mesh_glb, ".obj": write_mesh_obj}


@dataclass(frozen=True)
class Format:
    """How one kind of file is written."""

    file: str  # under the export folder; what lies in a folder comes with files beside it
    write: Callable[[Path, Stage, Progress], None]
    package: str | None = None  # what it imports
    extra: str = ""  # what brings that

    def check(self) -> None:
        """Refuses a format whose package is not here, before the work."""
        if self.package is not None and find_spec(self.package) is None:
            raise MissingExtra(
                f"{Path(self.file).name} needs the package {self.package!r}; "
                f"`pip install 'reparo3d[{self.extra}]'` brings it"
            )


FORMATS = {
    "glb": Format("scene.glb", lambda path, stage, _: write_scene_glb(path, stage)),
    "obj": Format("obj/scene.obj", lambda path, stage, _: write_scene_obj(path, stage)),
    "usda": Format(
        "usda/scene.usda", lambda path, stage, _: write_scene_usda(path, stage), "pxr", "usd"
    ),
    "usdz": Format(
        "scene.usdz", lambda path, stage, _: write_scene_usdz(path, stage), "pxr", "usd"
    ),
    "urdf": Format("urdf/scene.urdf", write_urdf, "coacd", "sim"),
    "mjcf": Format("mjcf/scene.xml", write_mjcf, "coacd", "sim"),
}


def chosen_formats(asked: str | Iterable[str]) -> tuple[str, ...]:
    """Their names, from "usdz,obj" or a list of such; all known, their packages here."""
    parts = asked.split(",") if isinstance(asked, str) else asked
    names = tuple(dict.fromkeys(part.strip().lower().lstrip(".") for part in parts))
    for name in names:
        if name not in FORMATS:
            raise InputError(
                f"an export is one of {', '.join(FORMATS)}, or several with commas, got {name!r}"
            )
        FORMATS[name].check()
    return names


def write_exports(
    folder: Path, names: Iterable[str], stage: Stage, progress: Progress | None = None
) -> list[Path]:
    """Writes the scene in these formats, each whole or not at all; the files to open."""
    written = []
    for name in names:
        form = FORMATS[name]
        path = folder / form.file
        if path.parent == folder:
            if name == "glb" and is_result(folder):
                raise InputError(
                    f"{path} is part of a result; choose another folder for this export"
                )
            with whole_file(path) as file:
                form.write(file, stage, progress or quiet)
        else:
            with whole(path.parent, ours=_holds(path.name)) as inside:
                form.write(inside / path.name, stage, progress or quiet)
        written.append(path)
    return written


def _holds(name: str) -> Callable[[Path], bool]:
    """Whether a folder is an earlier export: it has that file."""
    return lambda folder: (folder / name).is_file()


def write_mesh(path: Path, mesh: Mesh) -> None:
    """One mesh in its own frame, the format by the suffix."""
    suffix = path.suffix.lower()
    if suffix not in MESH_WRITERS:
        raise InputError(f"the format is one of {', '.join(MESH_WRITERS)}, got {path.name!r}")
    MESH_WRITERS[suffix](path, mesh)
