"""The world that a photo is put into: y up, ground at y = 0, the camera above it."""

import logging
import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.errors import InputError
from reparo.layout.ground_plane import fit_ground
from reparo.pipeline.disparity import Tilt, tilt_from_disparity
from reparo.scene import (
    Camera,
    Cutout,
    Depth,
    Photo,
    Problem,
    Region,
    Similarity,
    Solution,
    matrix_to_quaternion,
    quaternion_to_matrix,
)
from reparo.settings import WorldSettings

log = logging.getLogger(__name__)

GROUND_SHARE = 0.2  # of the background that must lie on one plane to take that for the ground
GROUND_POINTS = 20_000  # more make the plane no better


def usual_camera(photo: Photo, settings: WorldSettings) -> tuple[Camera, list[str]]:
    """A camera 1 above the ground, looking down a little; and what had to be assumed, in words."""
    assumed = []
    fov = settings.fov_y_deg or photo.fov_y_deg
    if fov is None:
        fov = settings.usual_fov_y_deg
        assumed.append(
            f"the photo does not say its field of view: {fov:g} degrees from top to bottom are "
            "assumed; --fov sets it"
        )
    pitch = math.radians(settings.pitch_deg)
    tilt = torch.tensor([math.cos(pitch / 2), -math.sin(pitch / 2), 0.0, 0.0])
    pose = Similarity(tilt, torch.tensor([0.0, 1.0, 0.0]), torch.tensor(1.0))
    return Camera.from_fov(fov, photo.size, pose), assumed


def facing_rotation(camera: Camera, cutout: Cutout) -> Float[Tensor, " 4"]:
    """Of a mesh reconstructed as seen in a cut-out: its +z points from the object to the eye.

    A cut-out is re-centred, as if the object stood on the camera's axis; its viewing ray is at an
    angle to that axis, by which the object is turned back. Its x stays level in the picture.
    """
    towards_eye = -_viewing_ray(camera, cutout)
    x = torch.linalg.cross(towards_eye.new_tensor([0.0, 1.0, 0.0]), towards_eye)
    x = x / x.norm()
    in_camera = torch.stack([x, torch.linalg.cross(towards_eye, x), towards_eye], -1)
    return matrix_to_quaternion(camera.world_from_camera.matrix @ in_camera)


def up_in_cutout(camera: Camera, cutout: Cutout) -> tuple[float, float, float]:
    """Which way is up in life, seen in a cut-out: right, up, to the eye; of length 1."""
    turned = quaternion_to_matrix(facing_rotation(camera, cutout))
    x, y, z = turned[1].tolist()  # the world's y in the mesh's frame
    return x, y, z


def upright_rotation(camera: Camera, cutout: Cutout) -> Float[Tensor, " 4"]:
    """Of a mesh that stands as in life: its y is the world's, its +z points to the eye."""
    x, _, z = (-(camera.world_from_camera.matrix @ _viewing_ray(camera, cutout))).unbind()
    yaw = torch.atan2(x, z)
    zero = torch.zeros_like(yaw)
    return torch.stack([torch.cos(yaw / 2), zero, torch.sin(yaw / 2), zero])


def in_final_world(
    problem: Problem, solution: Solution, height: tuple[str, float] | None
) -> tuple[Problem, Solution]:
    """Moves the ground to y = 0 and, if an object's real height is known, counts in metres.

    The picture stays the same: camera, objects and metric depth go together.
    """
    layout, factor = solution.layout, 1.0
    rise = -(solution.ground or 0.0)
    if height is not None:
        index = problem.names.index(height[0]) if height[0] in problem.names else None
        if index is None:
            raise InputError(f"{height[0]!r} was left out, so its height cannot set the scale")
        points = layout[index].apply(problem.meshes[index].vertices)[:, 1]
        factor = height[1] / float(points.max() - points.min())
    up = layout.translation.new_tensor([0.0, rise, 0.0])
    pose = problem.camera.world_from_camera
    moved = replace(pose, translation=(pose.translation + up) * factor)
    depth = problem.observation.depth
    if depth is not None and depth.kind == "metric":
        depth = replace(depth, values=depth.values * factor)
    placed = replace(
        layout, translation=(layout.translation + up) * factor, scale=layout.scale * factor
    )
    return (
        replace(
            problem,
            camera=replace(problem.camera, camera_from_world=moved.inverse()),
            observation=replace(problem.observation, depth=depth),
        ),
        replace(solution, layout=placed, ground=None if solution.ground is None else 0.0),
    )


def _viewing_ray(camera: Camera, cutout: Cutout) -> Float[Tensor, " 3"]:
    """From the eye through the cut-out's centre, in the camera's frame, of length 1."""
    side = cutout.rgba.shape[0]
    centre = cutout.photo_from_cutout @ cutout.photo_from_cutout.new_tensor([side / 2, side / 2, 1])
    x = (centre[0] - camera.size[1] / 2) / camera.focal
    y = (camera.size[0] / 2 - centre[1]) / camera.focal
    ray = torch.stack([x, y, -torch.ones_like(x)])
    return ray / ray.norm()


def camera_from_depth(
    camera: Camera, depth: Depth, regions: Sequence[Region]
) -> tuple[Camera, list[str]]:
    """The camera's pose as far as the map shows it, and what had to be assumed, in words.

    `camera` is the usual one; what the map does not show is taken from it.
    """
    if depth.kind in ("metric", "scale"):
        measured = camera_over_ground(camera, depth, regions)
        if measured is not None:
            return measured, []
    if depth.kind == "disparity":
        tilt = _tilt(camera, depth, regions)
        if tilt is not None:
            posed = _posed(camera, tilt.up, 1.0)
            return posed, [] if tilt.measured else [_assumed_pitch(tilt.up)]
    return camera, ["the depth map shows no ground: the usual camera's pose is taken"]


def camera_over_ground(camera: Camera, depth: Depth, regions: Sequence[Region]) -> Camera | None:
    """The camera's pose from the plane that the depth map shows around the objects.

    None where it shows none. Its height is as the map says where that is metric, else 1.
    """
    pixels, z = _background(camera, depth, regions)
    in_camera = replace(camera, camera_from_world=Similarity.identity())
    try:
        up, offset, share = fit_ground(in_camera.unproject(pixels, z))
    except InputError as error:
        log.debug("no ground: %s", error)
        return None
    if share < GROUND_SHARE or offset >= 0:
        return None
    return _posed(camera, up, -offset if depth.kind == "metric" else 1.0)


def _posed(camera: Camera, up: Float[Tensor, " 3"], height: float) -> Camera:
    """Above the ground whose normal in the camera's frame is `up`, looking along -z."""
    back = up.new_tensor([0.0, 0.0, 1.0])
    back = torch.nn.functional.normalize(back - (back @ up) * up, dim=0)
    world_from_camera = torch.stack([torch.linalg.cross(up, back), up, back])
    pose = Similarity(
        matrix_to_quaternion(world_from_camera), up.new_tensor([0.0, height, 0.0]), up.new_ones(())
    )
    return replace(camera, camera_from_world=pose.inverse())


def _tilt(camera: Camera, depth: Depth, regions: Sequence[Region]) -> Tilt | None:
    """Which way is up, from a map whose zero is unknown."""
    pixels, disparity = _background(camera, depth, regions)
    in_camera = replace(camera, camera_from_world=Similarity.identity())
    rays = in_camera.unproject(pixels, torch.ones_like(disparity))[:, :2]
    usual = camera.camera_from_world.matrix[:, 1]
    pitch = math.atan2(float(usual[2]), float(usual[1]))
    return tilt_from_disparity(rays, disparity, pitch, depth.infinity)


def _assumed_pitch(up: Float[Tensor, " 3"]) -> str:
    pitch = math.degrees(math.asin(float(up[2])))
    return (
        "the depth map shows the ground and no wall on it, which does not tell how far down the "
        f"camera looks: {pitch:.0f} degrees are assumed; world.pitch_deg sets it"
    )


def _background(
    camera: Camera, depth: Depth, regions: Sequence[Region]
) -> tuple[Float[Tensor, "n 2"], Float[Tensor, " n"]]:
    """Pixels that are known and on no object, at most so many, and the depth there."""
    rows, columns = depth.values.shape
    free = ~torch.stack([region.visible for region in regions]).any(0)
    free = torch.nn.functional.interpolate(free[None, None].double(), depth.values.shape)[0, 0] > 0
    y, x = (depth.known & free).nonzero().unbind(-1)
    step = max(1, len(y) // GROUND_POINTS)
    y, x = y[::step], x[::step]
    pixels = torch.stack([(x + 0.5) / columns * camera.size[1], (y + 0.5) / rows * camera.size[0]])
    return pixels.mT.to(depth.values), depth.values[y, x]
