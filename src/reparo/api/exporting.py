"""Scenes for other programs, in the formats they open."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from reparo.api.doors import as_photo
from reparo.contracts import Progress
from reparo.errors import InputError
from reparo.files.exports import chosen_formats, write_exports
from reparo.files.staging import Dress, stage
from reparo.files.stored import Stored, read_result
from reparo.scene import Photo

FOLDER = "export"  # under a result


def export(  # noqa: PLR0913 - public: each option by its name
    out: str | Path,
    to: str | Iterable[str] = "glb",
    *,
    folder: str | Path | None = None,
    photo: str | Path | np.ndarray | Photo | None = None,
    simplify: int | None = None,
    watertight: bool = False,
    backdrop: bool = False,
    ground_plane: bool = False,
    unlit: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Writes the scene that `run` or `align` left in `out` for other programs; the files to open.

    `to`: glb, obj, usda, usdz, urdf, mjcf, one or several. `folder`: where to; `out`/export if left
    out. `photo`: for the backdrop; `run` keeps it, after `align` it must be given. The rest as for
    `Reconstruction.export`.
    """
    dress = Dress(simplify, watertight, ground_plane=ground_plane, unlit=unlit)
    names = checked(to, dress)
    found = read_result(Path(out))
    if photo is not None:
        given = as_photo(photo)
        camera = found.scene.camera.resized(given.size)
        found = replace(found, photo=given, scene=replace(found.scene, camera=camera))
    if backdrop and found.photo is None:
        raise InputError(
            f"the backdrop shows the photo, and {out} does not hold it; give it: photo (--photo)"
        )
    there = Path(out) / FOLDER if folder is None else Path(folder)
    dress = replace(dress, backdrop=found.photo if backdrop else None)
    return written(there, names, found, dress, progress)


def checked(to: str | Iterable[str], dress: Dress) -> tuple[str, ...]:
    """The formats' names; what cannot be is refused before the work."""
    dress.check()
    return chosen_formats(to)


def written(
    folder: Path, names: Iterable[str], found: Stored, dress: Dress, progress: Progress | None
) -> list[Path]:
    """Writes them."""
    return write_exports(folder, names, stage(found.scene, found.world, dress), progress)
