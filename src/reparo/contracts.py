"""What can be exchanged, on one page.

A backend is a function or a frozen dataclass whose fields are its settings. The promises in each
docstring are checked by `tests/contracts` on every installed backend. A backend that needs a
device, or randomness, has fields `device` and `seed`; it keeps no global state. One that needs much
memory may also be `Closeable` and `Shrinkable`.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from reparo.scene import (
    Camera,
    Cutout,
    Depth,
    Mesh,
    Photo,
    Region,
    Rendering,
    Round,
    Scene,
    Similarity,
)

Progress = Callable[[str, int, int], None]
"""Called as progress(what, done, of_how_many) by everything that takes long."""


def quiet(what: str, done: int, of_how_many: int) -> None:
    """The progress that shows nothing."""


Note = Callable[[str], None]
"""Called as note("was ...") by a backend that has something to say of the object at hand.

The words follow the object's name in the run's notes; of a whole photo, they stand alone.
"""


def unsaid(words: str) -> None:
    """The note that nobody reads."""


Watch = Callable[[Round], None]
"""Called with every round of a search for a layout, for live views."""


@runtime_checkable
class Segmenter(Protocol):
    """Finds the objects: regions that do not overlap, largest first, maybe none."""

    def __call__(self, photo: Photo) -> list[Region]: ...


@runtime_checkable
class DepthEstimator(Protocol):
    """Says what it can of the distance of each pixel.

    `camera` stands in its final world: y up. Regions may be used or ignored.
    """

    def __call__(self, photo: Photo, camera: Camera, regions: Sequence[Region]) -> Depth: ...


@runtime_checkable
class Completer(Protocol):
    """Makes one object whole.

    The visible pixels keep their colours, alpha is 1 on all of them; the outline is inside the
    cut-out with a margin; what was invented is opaque but not `visible`.
    """

    def __call__(
        self, photo: Photo, region: Region, others: Sequence[Region], depth: Depth | None
    ) -> Cutout: ...


@runtime_checkable
class Reconstructor(Protocol):
    """Makes a closed, textured mesh of one object.

    Object frame: y up, +z towards the viewer who took the cut-out, about the unit cube.
    """

    def __call__(self, cutout: Cutout, name: str) -> Mesh: ...


@runtime_checkable
class FeatureExtractor(Protocol):
    """Describes patches of a picture; differentiable; rows first, one unit-free vector a patch."""

    def __call__(self, rgb: Float[Tensor, "h w 3"]) -> Float[Tensor, "rows columns channels"]: ...


@runtime_checkable
class Renderer(Protocol):
    """Draws meshes; gradients flow to the poses through depth and surface points.

    `layers` draws each object alone and whole, `__call__` what the camera sees of all together.
    `samples` x `samples` rays a pixel: 1 is not anti-aliased.
    """

    def layers(
        self, meshes: Sequence[Mesh], layout: Similarity, camera: Camera, samples: int = 1
    ) -> list[Rendering]: ...

    def __call__(self, scene: Scene, samples: int = 1) -> Rendering: ...


@runtime_checkable
class Closeable(Protocol):
    """A backend that holds a network: `close` lets go of it; it is called when its stage is over.

    So one network is in memory at a time. A closed backend may be called again, and loads anew.
    """

    def close(self) -> None: ...


@runtime_checkable
class Shrinkable(Protocol):
    """A backend that can do with less memory: asked when an object needed more than there is.

    `smaller` gives the same backend with less detail, or None where there is no smaller one.
    """

    def smaller(self) -> "Shrinkable | None": ...
