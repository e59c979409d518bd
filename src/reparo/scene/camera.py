"""The pinhole camera: square pixels, principal point in the centre, looking down its own -z."""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.scene.similarity import Similarity


@dataclass(frozen=True)
class Camera:
    """From world points to pixels; z is the distance along the axis, above 0 in front."""

    focal: float  # px
    size: tuple[int, int]  # height, width in px
    camera_from_world: Similarity  # scale 1; x right, y up, the scene at negative z

    @classmethod
    def from_fov(
        cls, fov_y_deg: float, size: tuple[int, int], world_from_camera: Similarity | None = None
    ) -> "Camera":
        """From the vertical field of view and the camera's pose in the world."""
        focal = size[0] / 2 / math.tan(math.radians(fov_y_deg) / 2)
        pose = Similarity.identity() if world_from_camera is None else world_from_camera.inverse()
        return cls(focal, size, pose)

    @property
    def fov_y_deg(self) -> float:
        """Vertical field of view in degrees."""
        return math.degrees(2 * math.atan(self.size[0] / 2 / self.focal))

    @property
    def world_from_camera(self) -> Similarity:
        """The camera's pose."""
        return self.camera_from_world.inverse()

    def resized(self, size: tuple[int, int]) -> "Camera":
        """The same view in another number of pixels (of the same shape)."""
        return replace(self, focal=self.focal * size[0] / self.size[0], size=size)

    def project(
        self, points: Float[Tensor, "*batch 3"]
    ) -> tuple[Float[Tensor, "*batch 2"], Float[Tensor, "*batch"]]:
        """Pixel [x, y] and z of world points; points behind the camera get a z below 0."""
        local = self.camera_from_world.apply(points.reshape(-1, 3)).reshape(points.shape)
        z = -local[..., 2]
        centre = points.new_tensor([self.size[1] / 2, self.size[0] / 2])
        flip = points.new_tensor([1.0, -1.0])  # y is up in the world, down in the picture
        return centre + self.focal * flip * local[..., :2] / z[..., None], z

    def unproject(
        self, pixels: Float[Tensor, "*batch 2"], z: Float[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch 3"]:
        """World points that project to `pixels` at distance `z`; undoes `project`."""
        centre = pixels.new_tensor([self.size[1] / 2, self.size[0] / 2])
        flip = pixels.new_tensor([1.0, -1.0])
        sideways = (pixels - centre) * flip / self.focal * z[..., None]
        local = torch.cat([sideways, -z[..., None]], -1)
        return self.world_from_camera.apply(local.reshape(-1, 3)).reshape(local.shape)


def pixel_centres(size: tuple[int, int]) -> Float[Tensor, "h w 2"]:
    """[x, y] of each pixel's centre; the first is (0.5, 0.5)."""
    y, x = torch.meshgrid(torch.arange(size[0]) + 0.5, torch.arange(size[1]) + 0.5, indexing="ij")
    return torch.stack([x, y], -1).to(torch.get_default_dtype())
