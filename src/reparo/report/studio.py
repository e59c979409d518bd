"""A plain studio to show a scene in: pale floor, grid, soft shadow, a camera that orbits."""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.contracts import Renderer
from reparo.report.pictures import backdrop
from reparo.scene import Camera, Rendering, Scene, Similarity, matrix_to_quaternion, pixel_centres

FOV_Y_DEG = 32.0
LEAST_PITCH, MOST_PITCH = math.radians(10), math.radians(40)
SHADOW_PIXELS = 128


@dataclass(frozen=True)
class Studio:
    """What stays as it is while the camera moves."""

    scene: Scene
    render: Renderer
    centre: Float[Tensor, "3"]  # of the scene's box; world units
    floor: float  # height of the scene's lowest point
    radius: float  # of the scene's box about its vertical axis
    yaw: float  # of the photo's camera, from the centre; radians
    pitch: float
    lamp: Camera  # straight above
    shade: Float[Tensor, "s s"]  # 0..1, what the lamp sees of the objects, blurred

    @classmethod
    def around(cls, scene: Scene, render: Renderer) -> "Studio":
        """The studio that fits a scene."""
        points = vertices(scene)
        low, high = points.amin(0), points.amax(0)
        centre = (low + high) / 2
        radius = max(float((points - centre)[:, [0, 2]].norm(dim=-1).max()), 1e-6)
        away = scene.camera.world_from_camera.translation - centre
        pitch = math.asin(float(away[1] / away.norm().clamp(min=1e-9)))
        foot = torch.stack([centre[0], low[1], centre[2]])
        side = (SHADOW_PIXELS, SHADOW_PIXELS)
        lamp = orbiting(foot, 0.0, math.pi / 2, 20 * radius, side, math.degrees(0.15))
        seen = render(replace(scene, camera=lamp)).coverage
        return cls(
            scene=scene,
            render=render,
            centre=centre,
            floor=float(low[1]),
            radius=radius,
            yaw=math.atan2(float(away[0]), float(away[2])),
            pitch=min(max(pitch, LEAST_PITCH), MOST_PITCH),
            lamp=lamp,
            shade=blurred(seen, 4),
        )

    def camera(self, angle: float, distance: float, size: tuple[int, int]) -> Camera:
        """The camera turned by `angle` (radians) about the vertical axis from the photo's view."""
        return orbiting(self.centre, self.yaw + angle, self.pitch, distance, size, FOV_Y_DEG)

    def distance(self, angles: list[float], size: tuple[int, int]) -> float:
        """As near as shows all of the scene in every view, with a margin."""
        points = vertices(self.scene) - self.centre
        slope = 0.88 * math.tan(math.radians(FOV_Y_DEG) / 2)
        wide = slope * size[1] / size[0]
        needed = []
        for angle in angles:
            local = points @ axes(self.yaw + angle, self.pitch).to(points)
            fit = torch.maximum(local[:, 0].abs() / wide, local[:, 1].abs() / slope) + local[:, 2]
            needed.append(float(fit.max()))
        return max(needed)

    def picture(self, camera: Camera) -> Float[Tensor, "h w 3"]:
        """The scene in the studio, anti-aliased by drawing it at twice the size."""
        height, width = camera.size
        fine = camera.resized((2 * height, 2 * width))
        seen = self.render(replace(self.scene, camera=fine))
        lit = seen.rgb * headlight(seen, fine)[..., None]
        four = torch.cat([lit, seen.coverage[..., None]], -1)
        rgba = four.unflatten(0, (height, 2)).unflatten(2, (width, 2)).mean((1, 3))
        return rgba[..., :3] + (1 - rgba[..., 3:]) * self.room(camera)

    def room(self, camera: Camera) -> Float[Tensor, "h w 3"]:
        """Backdrop, grid and shadow."""
        centres = pixel_centres(camera.size).to(self.centre)
        eye = camera.world_from_camera.translation
        sight = camera.unproject(centres, torch.ones_like(centres[..., 0])) - eye
        z = (self.floor - eye[1]) / sight[..., 1]
        hit = (z > 0) & z.isfinite()
        points = eye + torch.where(hit, z, 1.0)[..., None] * sight
        reach = (points - self.centre)[..., [0, 2]].norm(dim=-1) / self.radius
        near = hit * ((2.4 - reach) / 1.4).clamp(0, 1) ** 2  # fades out with the distance
        grid = self.lamp.project(points)[0] / (SHADOW_PIXELS / 2) - 1
        shadow = torch.nn.functional.grid_sample(
            self.shade[None, None], grid[None], align_corners=False
        )[0, 0]
        dark = 0.07 * near * self.lines(points, z) + 0.42 * hit * shadow
        return backdrop(camera.size).to(self.centre) * (1 - dark[..., None])

    def lines(
        self, points: Float[Tensor, "h w 3"], z: Float[Tensor, "h w"]
    ) -> Float[Tensor, "h w"]:
        """1 on the floor's grid lines, which keep about one width in the picture."""
        step = self.radius / 2
        off = ((points - self.centre)[..., [0, 2]] / step + 0.5) % 1 - 0.5
        width = 0.0016 * z[..., None].abs() / step
        return (1.5 - off.abs() / width).clamp(0, 1).amax(-1)


def vertices(scene: Scene) -> Float[Tensor, "v 3"]:
    """All vertices in the world."""
    return torch.cat([scene.layout[i].apply(m.vertices) for i, m in enumerate(scene.meshes)])


def axes(yaw: float, pitch: float) -> Float[Tensor, "3 3"]:
    """world_from_camera of a camera that looks back along [yaw, pitch]; y up."""
    back = [math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)]
    right = [math.cos(yaw), 0.0, -math.sin(yaw)]
    x, z = torch.tensor(right), torch.tensor(back)
    return torch.stack([x, torch.linalg.cross(z, x), z], -1)


def orbiting(
    centre: Float[Tensor, "3"],
    yaw: float,
    pitch: float,
    distance: float,
    size: tuple[int, int],
    fov_y_deg: float,
) -> Camera:
    """A camera that looks at a point from a distance."""
    turn = axes(yaw, pitch).to(centre)
    eye = centre + distance * turn[:, 2]
    pose = Similarity(matrix_to_quaternion(turn), eye, torch.ones_like(eye[0]))
    return Camera.from_fov(fov_y_deg, size, pose)


def blurred(picture: Float[Tensor, "h w"], radius: int) -> Float[Tensor, "h w"]:
    """Twice a box blur, nearly a Gaussian one."""
    side = 2 * radius + 1
    kernel = torch.ones(1, 1, side, side).to(picture) / side**2
    for _ in range(2):
        picture = torch.nn.functional.conv2d(picture[None, None], kernel, padding=radius)[0, 0]
    return picture


def headlight(seen: Rendering, camera: Camera) -> Float[Tensor, "h w"]:
    """Light from beside the camera, 0.6..1.08, by normals from neighbouring surface points."""
    across, down = (nearer_step(seen.point, seen.depth, axis) for axis in (1, 0))
    normals = torch.nn.functional.normalize(torch.linalg.cross(down, across), dim=-1)
    aim = camera.world_from_camera.matrix @ seen.point.new_tensor([-0.4, 0.55, 0.75])
    return 0.6 + 0.48 * (normals @ (aim / aim.norm())).clamp(0, 1)


def nearer_step(
    points: Float[Tensor, "h w 3"], depth: Float[Tensor, "h w"], axis: int
) -> Float[Tensor, "h w 3"]:
    """From each pixel to its next along an axis, or from its last: whichever is nearer in depth."""
    ahead = points.roll(-1, axis) - points
    behind = points - points.roll(1, axis)
    z = torch.where(depth.isfinite(), depth, 1e9)
    nearer = (z.roll(-1, axis) - z).abs() < (z - z.roll(1, axis)).abs()
    return torch.where(nearer[..., None], ahead, behind)
