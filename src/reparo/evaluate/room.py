"""Where made-up objects stand: a floor before a wall, a lamp, and a camera that sees them all."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.contracts import Renderer
from reparo.scene import Camera, Mesh, Scene, Similarity, matrix_to_quaternion, pixel_centres


def placed(meshes: Sequence[Mesh], layout: Similarity) -> list[Float[Tensor, "v 3"]]:
    """Each mesh's vertices in the world."""
    return [layout[i].apply(mesh.vertices) for i, mesh in enumerate(meshes)]


def framing_camera(
    clouds: Sequence[Float[Tensor, "_ 3"]],
    fov_y_deg: float,
    pitch: float,
    yaw: float,
    size: tuple[int, int],
) -> Camera:
    """Looks down by `pitch` at the middle of all points, as near as shows them with a margin."""
    points = torch.cat(list(clouds))
    middle = (points.amin(0) + points.amax(0)) / 2
    backward = torch.tensor(
        [math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)]
    ).to(points)
    right = torch.tensor([math.cos(yaw), 0.0, -math.sin(yaw)]).to(points)
    axes = torch.stack([right, torch.linalg.cross(backward, right), backward], -1)
    local = (points - middle) @ axes
    slope = 0.92 * math.tan(math.radians(fov_y_deg) / 2)  # 8 % of margin
    wide = slope * size[1] / size[0]
    # |x| <= wide (distance - z) and |y| <= slope (distance - z) for every point
    needed = torch.maximum(local[:, 0].abs() / wide, local[:, 1].abs() / slope) + local[:, 2]
    eye = middle + backward * needed.max()
    pose = Similarity(matrix_to_quaternion(axes), eye, torch.ones_like(eye[0]))
    return Camera.from_fov(fov_y_deg, size, pose)


@dataclass(frozen=True)
class Room:
    """A floor at y = 0 before a far wall, and one lamp."""

    floor: Float[Tensor, "3"]  # sRGB
    wall: Float[Tensor, "3"]  # sRGB
    to_light: Float[Tensor, "3"]  # unit vector in the world
    light: float  # 0..1
    far: float  # z of the wall, along the camera's axis; world units

    @classmethod
    def made_up(cls, scene: Scene, rng: np.random.Generator, light: float) -> "Room":
        """Pale colours; the lamp above the camera's left or right shoulder."""
        camera = scene.camera.world_from_camera
        aim = torch.tensor(
            [rng.choice([-1, 1]) * rng.uniform(0.5, 1.0), 1.4, rng.uniform(0.3, 0.9)]
        )
        yaw_only = camera.matrix * torch.tensor([[1.0], [0.0], [1.0]]).to(camera.matrix)
        aim = aim.to(camera.translation)
        direction = yaw_only[:, 0] * aim[0] + yaw_only[:, 2] * aim[2]
        direction[1] = aim[1]
        distance = scene.camera.project(torch.cat(placed(scene.meshes, scene.layout)))[1]
        floor, wall = (
            torch.tensor(rng.uniform(low, low + 0.12) + rng.uniform(-0.05, 0.05, 3)).to(aim)
            for low in (0.64, 0.78)
        )
        far = 1.6 * float(distance.max())
        return cls(floor, wall, direction / direction.norm(), light, far)

    def lit(self, mesh: Mesh, world_from_object: Similarity) -> Mesh:
        """The mesh as the lamp shows it: flat shading (Lambert 1760) over an even light."""
        corners = world_from_object.apply(mesh.vertices)[mesh.faces]
        normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        facing = torch.nn.functional.normalize(normals, dim=-1) @ self.to_light
        even = 0.45 + 0.55 * facing.clamp(min=0) + 0.1 * facing.clamp(max=0)
        shade = 1 - self.light * (1 - even)
        colours = mesh.colours.clone()  # every corner is a vertex of its own
        colours[mesh.faces.reshape(-1), :3] *= shade.repeat_interleave(3)[:, None]
        return replace(mesh, colours=colours)

    def distance(self, camera: Camera) -> tuple[Bool[Tensor, "h w"], Float[Tensor, "h w"]]:
        """Where the floor is seen, and z along the axis of floor and wall."""
        centres = pixel_centres(camera.size)
        eye = camera.world_from_camera.translation
        sight = camera.unproject(centres, torch.ones_like(centres[..., 0])) - eye  # z is 1
        z = -eye[1] / sight[..., 1]
        on_floor = (sight[..., 1] < 0) & (z < self.far)
        return on_floor, torch.where(on_floor, z, self.far)

    def picture(self, scene: Scene, render: Renderer) -> Float[Tensor, "h w 3"]:
        """The room without the objects, but with their soft shadows."""
        on_floor, z = self.distance(scene.camera)
        points = scene.camera.unproject(pixel_centres(scene.camera.size), z)
        shadow = self.shadow(points, scene, render) * on_floor
        fade = (z / self.far).clamp(0, 1)[..., None] ** 2  # the floor melts into the wall
        height = (points[..., 1:2] / self.far).clamp(0, 1)
        colour = torch.where(
            on_floor[..., None],
            self.floor * (1 - fade) + self.wall * fade,
            self.wall * (1 - 0.3 * height),
        )
        return colour * (1 - 0.6 * self.light * shadow[..., None])

    def shadow(
        self, points: Float[Tensor, "h w 3"], scene: Scene, render: Renderer
    ) -> Float[Tensor, "h w"]:
        """How much of the lamp the objects hide from floor points: its own view, blurred."""
        if self.light == 0:
            return torch.zeros_like(points[..., 0])
        clouds = placed(scene.meshes, scene.layout)
        pitch = math.asin(float(self.to_light[1]))
        yaw = math.atan2(float(self.to_light[0]), float(self.to_light[2]))
        lamp = framing_camera(clouds, 20.0, pitch, yaw, (160, 160))
        mask = render(replace(scene, camera=lamp)).coverage
        kernel = torch.ones(1, 1, 5, 5).to(mask) / 25
        soft = mask[None, None]
        for _ in range(2):
            soft = torch.nn.functional.conv2d(soft, kernel, padding=2)
        grid = lamp.project(points)[0] / 80 - 1
        return torch.nn.functional.grid_sample(soft, grid[None], align_corners=False)[0, 0]
