"""A scene as export formats take it: pieces about their pivots, the photo's camera, facts.

Every format is written from this, so that all have one layout.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.errors import InputError
from reparo.files.closing import closed
from reparo.files.lighter import check_here, lighter
from reparo.scene import Camera, Material, Mesh, Photo, Scene, Similarity

BEHIND = 1.05  # the backdrop's distance over that of the farthest point
FLOOR = 3.0  # the ground plane's side over the longer side of what stands on it
GREY = 0.8  # its colour, sRGB
LONGEST = 2048  # px of the backdrop's picture
SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  # of the triangles allowed, tried in turn
FEWEST = 12  # triangles; fewer make no body of most shapes


@dataclass(frozen=True)
class World:
    """What is known of the world beside what stands in it."""

    metric: bool = False  # counted in metres; else its unit is not known
    ground: float | None = None  # height of the plane that objects stand on


@dataclass(frozen=True)
class Dress:
    """What an export adds to the scene or does to its meshes."""

    simplify: int | None = None  # triangles an object, at most
    watertight: bool = False  # close the meshes, or refuse
    backdrop: Photo | None = None  # stands behind everything
    ground_plane: bool = False
    unlit: bool = False  # show colours as they are, whatever the light

    def check(self) -> None:
        """Refuses what no mesh can be, and what lacks its package, before the work."""
        if self.simplify is not None and self.simplify < FEWEST:
            raise InputError(
                f"simplify is a number of triangles of at least {FEWEST}, got {self.simplify}"
            )
        if self.simplify is not None:
            check_here()


@dataclass(frozen=True)
class Piece:
    """A thing in the scene, about its pivot."""

    name: str  # unique in the scene
    mesh: Mesh  # its origin is the pivot
    pose: Similarity  # world_from_mesh
    unlit: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict)  # for other programs, as JSON
    solid: bool = True  # an object; no backdrop, no ground

    @property
    def in_world(self) -> Float[Tensor, "v 3"]:
        """Where its vertices stand."""
        return self.pose.apply(self.mesh.vertices)


@dataclass(frozen=True)
class Stage:
    """What is exported."""

    pieces: tuple[Piece, ...]
    camera: Camera
    camera_name: str
    world: World = World()
    kept: dict[str, Any] = field(default_factory=dict)  # what took long, for the next format

    @property
    def nearest(self) -> float:
        """Distance from the camera to the first point in front of it; 1 if there is none."""
        depths = torch.cat([self.camera.project(piece.in_world)[1] for piece in self.pieces])
        return float(depths[depths > 0].min()) if (depths > 0).any() else 1.0


def stage(scene: Scene, world: World | None = None, dress: Dress | None = None) -> Stage:
    """The scene with each object's pivot at its foot, and what `dress` adds."""
    world, dress = world or World(), dress or Dress()
    dress.check()
    pieces = []
    for index, name in enumerate(scene.names):
        piece = on_foot(name, scene.meshes[index], scene.layout[index])
        pieces.append(replace(piece, mesh=_dressed(piece.mesh, dress, name), unlit=dress.unlit))
    if dress.ground_plane:
        pieces.append(_ground(pieces, world, _free("ground", scene.names)))
    if dress.backdrop is not None:
        name = _free("backdrop", scene.names)
        pieces.append(_backdrop(pieces, scene.camera, dress.backdrop, name))
    return Stage(tuple(pieces), scene.camera, _free("camera", scene.names), world)


def on_foot(name: str, mesh: Mesh, pose: Similarity) -> Piece:
    """The mesh about the middle of the bottom of its box in the world; it stays where it is."""
    used = pose.apply(mesh.vertices[mesh.faces.unique()])
    lowest, highest = used.amin(0), used.amax(0)
    foot = (lowest + highest) / 2
    foot = torch.stack([foot[0], lowest[1], foot[2]])
    own = pose.inverse().apply(foot[None])
    moved = replace(mesh, vertices=mesh.vertices - own)
    return Piece(name, moved, replace(pose, translation=foot))


def _dressed(mesh: Mesh, dress: Dress, name: str) -> Mesh:
    """Closed first, so that making it lighter mostly keeps it closed."""
    if dress.watertight:
        mesh = closed(mesh, name)
    if dress.simplify is None or len(mesh.faces) <= dress.simplify:
        return mesh
    return (_lighter_and_closed if dress.watertight else lighter)(mesh, dress.simplify, name)


def _lighter_and_closed(mesh: Mesh, most: int, name: str) -> Mesh:
    """Of several sizes the largest that stays closed."""
    for share in SHARES:
        fewer = int(most * share)
        with suppress(InputError):  # as when parts of it touch
            found = closed(lighter(mesh, fewer, name), name)
            if len(found.faces) <= most:
                return found
    raise InputError(
        f"the mesh of {name!r} was to have at most {most} triangles and to be closed, and comes "
        "apart when it is made lighter; ask for more triangles, or leave one of the two out"
    )


def _free(name: str, taken: tuple[str, ...]) -> str:
    """An object of that name keeps it."""
    while name in taken:
        name = "photo_" + name
    return name


def _ground(pieces: list[Piece], world: World, name: str) -> Piece:
    """A square under everything, at the ground's height or, if unknown, at the lowest foot."""
    points = torch.cat([piece.in_world for piece in pieces])
    lowest, highest = points.amin(0), points.amax(0)
    centre = (lowest + highest) / 2
    height = lowest[1] if world.ground is None else lowest.new_tensor(world.ground)
    half = FLOOR / 2 * float((highest - lowest)[[0, 2]].max())
    corners = lowest.new_tensor([[-1, 0, 1], [1, 0, 1], [1, 0, -1], [-1, 0, -1]]) * half
    look = Material((GREY, GREY, GREY, 1.0), name=name)
    pose = _at(torch.stack([centre[0], height, centre[2]]))
    extras = {"shadow_catcher": True}
    return Piece(name, _quad(corners, look), pose, extras=extras, solid=False)


def _backdrop(pieces: list[Piece], camera: Camera, photo: Photo, name: str) -> Piece:
    """The photo on a screen that fills the view exactly, behind everything."""
    points = torch.cat([piece.in_world for piece in pieces])
    distance = BEHIND * max(float(camera.project(points)[1].max()), 1e-3)
    up = distance * math.tan(math.radians(camera.fov_y_deg) / 2)
    right = up * camera.size[1] / camera.size[0]
    corners = points.new_tensor(
        [[-right, -up, 0], [right, -up, 0], [right, up, 0], [-right, up, 0]]
    )
    rgb = _bounded(photo.rgb).to(points)
    texture = torch.cat([rgb, torch.ones_like(rgb[..., :1])], -1)
    look = Material(texture=texture, name=name)
    from_camera = _at(points.new_tensor([0.0, 0.0, -distance]))
    pose = camera.world_from_camera @ from_camera
    return Piece(name, _quad(corners, look), pose, unlit=True, solid=False)


def _quad(corners: Float[Tensor, "4 3"], look: Material) -> Mesh:
    """Counter-clockwise from the lower left; the texture, if any, upright on it."""
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    uv = corners.new_tensor([[0, 1], [1, 1], [1, 0], [0, 0]])
    plain = replace(Mesh.plain(corners, faces), materials=(look,))
    return plain if look.texture is None else replace(plain, uv=uv)


def _at(place: Float[Tensor, "3"]) -> Similarity:
    return Similarity(place.new_tensor([1.0, 0, 0, 0]), place, place.new_ones(()))


def _bounded(rgb: Float[Tensor, "h w 3"]) -> Float[Tensor, "a b 3"]:
    shrink = LONGEST / max(rgb.shape)
    if shrink >= 1:
        return rgb
    size = [max(1, round(side * shrink)) for side in rgb.shape[:2]]
    planes = rgb.permute(2, 0, 1)[None]
    return torch.nn.functional.interpolate(planes, size, mode="area")[0].permute(1, 2, 0)
