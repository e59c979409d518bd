"""What there is: frozen records that know no algorithms."""

from reparo.scene.camera import Camera, pixel_centres
from reparo.scene.depth import DEPTH_KINDS, Depth, DepthKind
from reparo.scene.mesh import Material, Mesh
from reparo.scene.photo import Photo
from reparo.scene.region import Cutout, Region
from reparo.scene.scene import (
    Ground,
    ObjectReport,
    Observation,
    Problem,
    Rendering,
    Round,
    Scene,
    Solution,
    Start,
)
from reparo.scene.similarity import (
    Similarity,
    axis_angle_to_matrix,
    matrix_to_quaternion,
    quaternion_product,
    quaternion_to_matrix,
)

__all__ = [
    "DEPTH_KINDS",
    "Camera",
    "Cutout",
    "Depth",
    "DepthKind",
    "Ground",
    "Material",
    "Mesh",
    "ObjectReport",
    "Observation",
    "Photo",
    "Problem",
    "Region",
    "Rendering",
    "Round",
    "Scene",
    "Similarity",
    "Solution",
    "Start",
    "axis_angle_to_matrix",
    "matrix_to_quaternion",
    "pixel_centres",
    "quaternion_product",
    "quaternion_to_matrix",
]
