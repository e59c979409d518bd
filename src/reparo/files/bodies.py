"""Objects as simulators take them: z up, a shape to look at and convex parts to bump into."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reparo.contracts import Progress, quiet
from reparo.errors import InputError, MissingExtra
from reparo.files.closing import welded
from reparo.files.lighter import lighter
from reparo.files.scene_obj import write_piece_obj
from reparo.files.soundness import simplified
from reparo.files.staging import Piece, Stage
from reparo.scene import Mesh, Similarity

CONCAVITY = 0.05  # of a part, that is left: CoACD's threshold and its default
SEARCH = {"mcts_nodes": 10, "mcts_iterations": 50, "resolution": 1000}  # half its default or less
FACES = 1000  # of a mesh that is taken apart; more take longer and make no other parts
MOST_PARTS = 32  # an object
CORNERS = 64  # of a part; simulators want few
THINNEST = 1e-3  # of a part, over its longest side
MASSES = (
    "One photo does not tell what things weigh: set your own masses. Collision parts are convex."
)
UNITS = {True: "Metres.", False: "The unit of length is not known: scale it to your world."}


@dataclass(frozen=True)
class Body:
    """One object about its foot, its axes the world's, z up."""

    name: str
    place: tuple[float, float, float]  # of its foot in the world, z up
    looks: tuple[Path, ...]  # OBJ files, one a material
    pictures: tuple[Path | None, ...]  # of each look, if it has one
    colours: tuple[tuple[float, float, float, float], ...]  # of each look, where it has no picture
    parts: tuple[Path, ...]  # OBJ files, convex


def write_bodies(
    folder: Path, stage: Stage, apart: bool, progress: Progress | None = None
) -> list[Body]:
    """Writes each object's meshes into `folder`; `apart`: a file for each material."""
    solids = [piece for piece in stage.pieces if piece.solid]
    folder.mkdir(parents=True)
    bodies = []
    for index, piece in enumerate(solids):
        (progress or quiet)("convex parts", index, len(solids))
        bodies.append(_body(folder, piece, apart, stage.kept))
    (progress or quiet)("convex parts", len(solids), len(solids))
    return bodies


def z_up(vectors: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """From y up, turned about x: (x, y, z) becomes (x, -z, y)."""
    x, y, z = vectors.unbind(-1)
    return torch.stack([x, -z, y], -1)


def upright() -> Similarity:
    """The rotation of `z_up`."""
    half = math.sqrt(0.5)
    return Similarity(torch.tensor([half, half, 0, 0]), torch.zeros(3), torch.tensor(1.0))


def _body(folder: Path, piece: Piece, apart: bool, kept: dict[str, Any]) -> Body:
    about_foot = Similarity(
        piece.pose.wxyz, torch.zeros_like(piece.pose.translation), piece.pose.scale
    )
    turned = _like(upright(), piece.pose) @ about_foot
    looks, pictures, colours = [], [], []
    for label, mesh in _looks(piece, apart):
        path = folder / f"{label}.obj"
        written = write_piece_obj(path, Piece(label, mesh, piece.pose, piece.unlit), turned)
        looks.append(path)
        pictures.append(written[0] if written else None)
        colours.append(_mean_colour(mesh))
    key = f"convex parts of {piece.name}"
    if key not in kept:
        turned_mesh = replace(piece.mesh, vertices=turned.apply(piece.mesh.vertices))
        kept[key] = convex_parts(turned_mesh)
    parts = []
    for number, part in enumerate(kept[key]):
        path = folder / f"{piece.name}-part-{number}.obj"
        path.write_text(part.export(file_type="obj", include_normals=False), encoding="utf-8")
        parts.append(path)
    x, y, z = z_up(piece.pose.translation[None])[0].tolist()
    return Body(piece.name, (x, y, z), tuple(looks), tuple(pictures), tuple(colours), tuple(parts))


def _like(pose: Similarity, other: Similarity) -> Similarity:
    """In the other's kind of numbers."""
    return Similarity(
        pose.wxyz.to(other.wxyz), pose.translation.to(other.wxyz), pose.scale.to(other.wxyz)
    )


def _looks(piece: Piece, apart: bool) -> Sequence[tuple[str, Mesh]]:
    """The mesh under its name, or a mesh for each material that is used."""
    mesh = piece.mesh
    if not apart:
        return [(piece.name, mesh)]
    used = mesh.face_material.unique().tolist()
    found = []
    for index in used:
        faces = mesh.faces[mesh.face_material == index]
        kept, numbered = torch.unique(faces, return_inverse=True)
        alone = Mesh(
            mesh.vertices[kept],
            numbered,
            mesh.uv[kept],
            mesh.colours[kept],
            (mesh.materials[index],),
            torch.zeros_like(mesh.face_material[: len(faces)]),
        )
        found.append((piece.name if len(used) == 1 else f"{piece.name}-look-{index}", alone))
    return found


def _mean_colour(mesh: Mesh) -> tuple[float, float, float, float]:
    """sRGB and alpha, for programs that know no vertex colours."""
    base = mesh.colours.new_tensor(mesh.materials[0].base_colour)
    red, green, blue, alpha = (mesh.colours.mean(0) * base).tolist()
    return red, green, blue, alpha


def convex_parts(mesh: Mesh) -> list[Any]:
    """Convex trimesh bodies that together fill the shape, by CoACD (Wei et al. 2022).

    A part that is flat becomes as thick as a thousandth of its length.
    """
    import trimesh

    coacd = _coacd()
    try:  # what was closed stays so, which CoACD need not mend then: eight times as fast
        mesh = lighter(mesh, FACES, "") if len(mesh.faces) > FACES else mesh
    except InputError:
        mesh = simplified(mesh, FACES)
    places = torch.unique(mesh.vertices, dim=0).detach().double().cpu().numpy()
    size = float(np.ptp(places, axis=0).max())
    coacd.set_log_level("error")
    found = coacd.run_coacd(
        coacd.Mesh(places / size, welded(mesh)),
        threshold=CONCAVITY,
        max_convex_hull=MOST_PARTS,
        decimate=True,
        max_ch_vertex=CORNERS,
        **SEARCH,
    )
    shapes = [np.asarray(corners) * size for corners, _ in found if len(corners)] or [places]
    return [trimesh.convex.convex_hull(_thickened(corners)) for corners in shapes]


def _thickened(points: np.ndarray) -> np.ndarray:
    """The points, and where they lie in one plane the same moved to either side of it."""
    centred = points - points.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=len(points) < 3)
    extents = np.ptp(centred @ axes.T, axis=0)
    for axis, extent in zip(axes, extents, strict=True):
        least = THINNEST * extents.max()
        if extent < least:
            points = np.concatenate([points - axis * least / 2, points + axis * least / 2])
    return points


def _coacd() -> Any:
    try:
        import coacd
    except ImportError as error:
        raise MissingExtra(
            "convex parts need the package 'coacd'; `pip install 'reparo3d[sim]'` brings it"
        ) from error
    return coacd
