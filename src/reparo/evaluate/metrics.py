"""How far a found layout is from the true one, in space and in the picture."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.contracts import Renderer
from reparo.scene import (
    Camera,
    Mesh,
    Observation,
    Photo,
    Rendering,
    Scene,
    Similarity,
    quaternion_product,
)


@dataclass(frozen=True)
class PoseErrors:
    """One object's errors; each but `turn` stops at the value of an object that is missing."""

    add: float  # mean distance of surface points, over the diagonal of the true world box; 0..1
    reproj: float  # mean distance of the same points in the picture, per cent of its height; 0..100
    turn: float  # angle between found and true rotation, degrees
    scale: float  # |log(found scale / true scale)|; 0..1
    iou: float  # intersection over union of the axis-aligned world boxes


MISSING = PoseErrors(add=1.0, reproj=100.0, turn=180.0, scale=1.0, iou=0.0)


@dataclass(frozen=True)
class PictureErrors:
    """How one object's part of the re-rendered picture agrees with the photo."""

    mask_iou: float  # of rendered and given visible part
    psnr: float  # dB, inside the given visible part; what is not covered counts as black


def surface_points(mesh: Mesh, count: int = 1500, seed: int = 0) -> Float[Tensor, "n 3"]:
    """Random points on the mesh's surface, evenly by area."""
    import trimesh

    solid = trimesh.Trimesh(mesh.vertices.cpu().numpy(), mesh.faces.cpu().numpy(), process=False)
    return torch.as_tensor(trimesh.sample.sample_surface(solid, count, seed=seed)[0]).to(mesh.uv)


def pose_errors(
    points: Float[Tensor, "n 3"],
    found: Similarity,
    true: Similarity,
    camera: Camera,
    yaw_symmetry: int = 1,
) -> PoseErrors:
    """The errors of one pose, measured on surface points of the true mesh.

    An object that looks the same after 1/`yaw_symmetry` of a turn about its own y axis has that
    many true poses; the nearest one counts, for all the measures.
    """
    mine = found.apply(points)
    candidates = [turned(true, 2 * math.pi * k / yaw_symmetry) for k in range(yaw_symmetry)]
    gaps = torch.stack([(pose.apply(points) - mine).norm(dim=-1).mean() for pose in candidates])
    nearest = candidates[int(gaps.argmin())]
    theirs = nearest.apply(points)
    diagonal = (theirs.amax(0) - theirs.amin(0)).norm()
    apart = (camera.project(mine)[0] - camera.project(theirs)[0]).norm(dim=-1).mean()
    return PoseErrors(
        add=min(float(gaps.min() / diagonal), MISSING.add),
        reproj=min(100 * float(apart) / camera.size[0], MISSING.reproj),
        turn=angle_deg(found, nearest),
        scale=min(abs(math.log(float(found.scale / true.scale))), MISSING.scale),
        iou=box_iou(mine, theirs),
    )


def turned(pose: Similarity, angle: float) -> Similarity:
    """The pose of the object after a turn about its own y axis; radians."""
    turn = pose.wxyz.new_tensor([math.cos(angle / 2), 0, math.sin(angle / 2), 0])
    return Similarity(quaternion_product(pose.wxyz, turn), pose.translation, pose.scale)


def angle_deg(a: Similarity, b: Similarity) -> float:
    """Angle of the rotation between two poses, degrees; exact for small angles too."""
    between = quaternion_product(a.wxyz * a.wxyz.new_tensor([1, -1, -1, -1]), b.wxyz)
    return math.degrees(2 * math.atan2(float(between[1:].norm()), abs(float(between[0]))))


def box_iou(a: Float[Tensor, "n 3"], b: Float[Tensor, "m 3"]) -> float:
    """Intersection over union of two point clouds' axis-aligned boxes."""
    low, high = torch.maximum(a.amin(0), b.amin(0)), torch.minimum(a.amax(0), b.amax(0))
    both = (high - low).clamp(min=0).prod()
    each = [(cloud.amax(0) - cloud.amin(0)).prod() for cloud in (a, b)]
    return float(both / (each[0] + each[1] - both))


def free_factor(found: Similarity, true: Similarity, camera: Camera) -> float:
    """Median ratio of true to found distance from the camera, over a batch of objects.

    Without metric depth a picture shows a scene only up to this factor about the camera.
    """
    eye = camera.world_from_camera.translation
    ratios = (true.translation - eye).norm(dim=-1) / (found.translation - eye).norm(dim=-1).clamp(
        min=1e-9
    )
    return float(ratios.quantile(0.5))


def grown(layout: Similarity, factor: float, camera: Camera) -> Similarity:
    """The layout scaled about the camera, which leaves its picture as it is."""
    eye = camera.world_from_camera.translation
    return Similarity(layout.wxyz, eye + factor * (layout.translation - eye), factor * layout.scale)


def picture_errors(scene: Scene, observation: Observation, render: Renderer) -> list[PictureErrors]:
    """Renders the scene from the photo's camera and compares it, object by object."""
    seen = render(scene)
    return [
        PictureErrors(
            mask_iou(seen.object_index == i, region.visible),
            psnr_inside(observation.photo, seen, region.visible),
        )
        for i, region in enumerate(observation.regions)
    ]


def mask_iou(a: Bool[Tensor, "h w"], b: Bool[Tensor, "h w"]) -> float:
    """Intersection over union; 1 if both are empty."""
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 1.0


def psnr_inside(photo: Photo, rendering: Rendering, mask: Bool[Tensor, "h w"]) -> float:
    """Peak signal to noise ratio inside a mask, dB; inf where nothing differs."""
    error = (photo.rgb - rendering.rgb)[mask].square().mean()
    return math.inf if error == 0 else -10 * math.log10(float(error))
