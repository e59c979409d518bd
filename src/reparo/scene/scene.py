"""The scene, what is seen of it, and what was found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from jaxtyping import Float, Int
from torch import Tensor

from reparo.scene.camera import Camera
from reparo.scene.depth import Depth
from reparo.scene.mesh import Mesh
from reparo.scene.notebook import scene_html
from reparo.scene.photo import Photo
from reparo.scene.region import Region
from reparo.scene.similarity import Similarity

Ground = Literal["common", "supported"]


@dataclass(frozen=True)
class Scene:
    """Separate objects in one world, and the camera that took the photo."""

    names: tuple[str, ...]
    meshes: tuple[Mesh, ...]
    layout: Similarity  # world_from_object, a batch of n: the unknown of the whole method
    camera: Camera

    def _repr_html_(self) -> str:
        """What notebooks show."""
        return scene_html(self)


@dataclass(frozen=True)
class Observation:
    """All that a layout must explain."""

    photo: Photo
    regions: tuple[Region, ...]  # one per object, in the scene's order
    depth: Depth | None = None
    ground: Ground | None = None  # y up; all stand on one plane | or on another object


@dataclass(frozen=True)
class Start:
    """Where the search for one object's place begins; None: wherever the picture says."""

    wxyz: Float[Tensor, "4"]  # unit quaternion; kept unless rotation is free
    translation: Float[Tensor, "3"] | None = None
    scale: float | None = None


@dataclass(frozen=True)
class Problem:
    """What `align` is asked: these meshes, seen here; where do they stand?"""

    names: tuple[str, ...]
    meshes: tuple[Mesh, ...]
    camera: Camera
    observation: Observation
    starts: tuple[Start, ...]


@dataclass(frozen=True)
class Rendering:
    """What the camera sees; empty pixels have colour 0, coverage 0, depth inf and index -1."""

    rgb: Float[Tensor, "h w 3"]  # sRGB 0..1, premultiplied by coverage
    coverage: Float[Tensor, "h w"]  # 0..1; fractions only where supersampled
    depth: Float[Tensor, "h w"]  # z along the camera's axis
    object_index: Int[Tensor, "h w"]
    point: Float[Tensor, "h w 3"]  # the surface point seen, world units; 0 where empty


@dataclass(frozen=True)
class Round:
    """Where the search for a layout has got to."""

    step: str  # match, polish, settle, paper
    index: int  # of this round within the step
    layout: Similarity  # world_from_object, a batch of n


@dataclass(frozen=True)
class ObjectReport:
    """What is known of one object's place."""

    losses: Mapping[str, float]  # unweighted
    confidence: Mapping[str, float]  # each 0..1
    penetration: float = 0.0  # deepest point inside another, over the smaller box's diagonal
    gap: float = 0.0  # height over what it stands on, over its box's diagonal; < 0 sinks


@dataclass(frozen=True)
class Solution:
    """A layout, why the solver stopped, and how good it is."""

    layout: Similarity  # world_from_object, a batch of n; the best seen
    method: str
    stopped: str  # in words
    seconds: Mapping[str, float]  # per step
    objects: tuple[ObjectReport, ...]  # in the scene's order
    ground: float | None = None  # height of the common plane, where objects stand on one
    notes: tuple[str, ...] = field(default=())  # warnings for people
