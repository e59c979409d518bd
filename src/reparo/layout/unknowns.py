"""What a layout solves for, and how a small step of it moves what the camera sees.

Each object has seven numbers: a turn, a shift and a growth about its own centre. All objects share
three: gain and offset of the depth map (value = gain * g(z) + offset) and the height of the ground.
They are solved together, since a depth map's scale or a ground's height is one for all.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from reparo.scene import (
    Camera,
    DepthKind,
    Problem,
    Similarity,
    axis_angle_to_matrix,
    matrix_to_quaternion,
    quaternion_product,
)

PER_OBJECT = 7  # turn x y z, shift x y z, growth
SHARED = 3  # gain, offset, ground
TURN, SHIFT, GROWTH = slice(0, 3), slice(3, 6), slice(6, 7)
GAIN, OFFSET, GROUND = range(3)


@dataclass(frozen=True)
class Unknowns:
    """The layout and what all objects share."""

    layout: Similarity  # world_from_object, a batch of n
    gain: float = 1.0
    offset: float = 0.0
    ground: float = 0.0  # the plane's y

    def stepped(
        self, step: Float[Tensor, " unknowns"], centres: Float[Tensor, "n 3"], camera: Camera
    ) -> "Unknowns":
        """Moves each object about its centre (object frame) and the shared numbers."""
        n = len(centres)
        per_object, shared = step[: n * PER_OBJECT].view(n, PER_OBJECT), step[n * PER_OBJECT :]
        old = self.layout
        anchors = old.apply(centres[:, None])[:, 0]
        turn = matrix_to_quaternion(axis_angle_to_matrix(per_object[:, TURN]))
        wxyz = torch.nn.functional.normalize(quaternion_product(turn, old.wxyz), dim=-1)
        scale = old.scale * per_object[:, GROWTH].squeeze(-1).exp()
        moved = anchors + per_object[:, SHIFT] * distances(anchors, camera)[:, None]
        turned = Similarity(wxyz, torch.zeros_like(moved), scale).apply(centres[:, None])[:, 0]
        gain, offset, ground = (value.item() for value in shared)
        return Unknowns(
            Similarity(wxyz, moved - turned, scale),
            self.gain + gain,
            self.offset + offset,
            self.ground + ground,
        )


def per_object(step: Float[Tensor, " unknowns"]) -> Float[Tensor, "n 7"]:
    """Of a step, what moves the objects."""
    return step[:-SHARED].view(-1, PER_OBJECT)


def distances(points: Float[Tensor, "n 3"], camera: Camera) -> Float[Tensor, " n"]:
    """Distance from the camera: the unit in which an object is shifted."""
    return camera.camera_from_world.apply(points).norm(dim=-1)


def object_centres(problem: Problem) -> Float[Tensor, "n 3"]:
    """Middle of each mesh's box, object frame."""
    return torch.stack([mesh.bounds.mean(0) for mesh in problem.meshes])


def motion(
    points: Float[Tensor, "m 3"],
    owner: Int[Tensor, " m"],
    anchors: Float[Tensor, "n 3"],
    camera: Camera,
) -> Float[Tensor, "m 3 7"]:
    """Derivative of world points with respect to their object's seven numbers."""
    arm = points - anchors[owner]
    x, y, z = arm.unbind(-1)
    zero = torch.zeros_like(x)
    turn = torch.stack([zero, z, -y, -z, zero, x, y, -x, zero], -1).unflatten(-1, (3, 3))
    unit = distances(anchors, camera)[owner]
    shift = unit[:, None, None] * torch.eye(3, dtype=points.dtype, device=points.device)
    return torch.cat([turn, shift, arm[:, :, None]], -1)


def picture_motion(
    points: Float[Tensor, "m 3"], moved: Float[Tensor, "m 3 7"], camera: Camera
) -> Float[Tensor, "m 3 7"]:
    """Derivative of [pixel x, pixel y, z], from the derivative of the world points."""
    turn = camera.camera_from_world.matrix
    local = camera.camera_from_world.apply(points)
    x, y, z = local[:, 0], local[:, 1], -local[:, 2]
    dx, dy, dz = (turn @ moved).unbind(1)  # each [m, 7]
    dz = -dz
    column = (camera.focal / z)[:, None]
    px = column * (dx - (x / z)[:, None] * dz)
    py = -column * (dy - (y / z)[:, None] * dz)
    return torch.stack([px, py, dz], 1)


def depth_function(
    kind: DepthKind, z: Float[Tensor, " m"]
) -> tuple[Float[Tensor, " m"], Float[Tensor, " m"]]:
    """g(z) of the map's kind, and its derivative."""
    return (1 / z, -1 / z.square()) if kind == "disparity" else (z, torch.ones_like(z))


@dataclass(frozen=True)
class DepthModel:
    """How a depth map's values follow from z: value = gain * g(z) + offset."""

    kind: DepthKind
    gain: float
    offset: float

    def value(self, z: Float[Tensor, " m"]) -> Float[Tensor, " m"]:
        """What the map would say at z."""
        return self.gain * depth_function(self.kind, z)[0] + self.offset

    def distance(self, value: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """z in world units where the map says `value`; nan where that is not in front."""
        g = (value - self.offset) / self.gain
        z = 1 / g if self.kind == "disparity" else g
        return torch.where(z > 0, z, torch.nan)


def free_columns(problem: Problem, free: tuple[str, ...]) -> Bool[Tensor, " unknowns"]:
    """Which unknowns may move: what the user left free, and what nothing else fixes.

    A picture cannot tell the size of the world, so one number sets it: the depth map's gain, or the
    ground's height where there is a ground and no metric depth.
    """
    wanted = torch.zeros(PER_OBJECT, dtype=torch.bool)
    wanted[TURN], wanted[SHIFT] = "rotation" in free, "translation" in free
    wanted[GROWTH] = "scale" in free
    depth, ground = problem.observation.depth, problem.observation.ground is not None
    shared = torch.zeros(SHARED, dtype=torch.bool)
    if depth is not None:
        shared[GAIN] = depth.kind != "metric" and ground
        shared[OFFSET] = depth.kind in ("affine", "disparity")
    shared[GROUND] = ground and depth is not None and depth.kind == "metric"
    return torch.cat([wanted.repeat(len(problem.meshes)), shared])
