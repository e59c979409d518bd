"""A closed, textured mesh of one object, its solid seen by a small network of our own.

The network looks through the packaged transformer; what the photo shows stays as the photo has it.
Where the network is unsure of the solid, the outline is inflated instead, and a note says so.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import torch

from reparo.contracts import Note, unsaid
from reparo.errors import InputError
from reparo.scene import Cutout, Mesh
from reparo.stages.pretrained import Place
from reparo.stages.reconstruct.inflate import InflateReconstructor
from reparo.stages.reconstruct.off_axis import focal_in_sides
from reparo.stages.reconstruct.shape_choice import best_choice
from reparo.stages.reconstruct.shape_network import ShapeHead
from reparo.stages.reconstruct.shape_seen import seen
from reparo.stages.reconstruct.shape_surface import on_rays, surface
from reparo.stages.reconstruct.shape_texture import textured
from reparo.stages.vision.backbone import packaged
from reparo.stages.vision.shipped import with_shipped_weights

USUAL_FOCAL = 2.5  # sides: where the camera is not known
CLOSEST = 0.8  # sides: nearer than that no lens is believed


@dataclass(frozen=True)
class EmbeddedReconstructor:
    """One picture in, a mesh out, in about a second on a CPU."""

    least_sure: float = 0.25  # expected overlap with the truth, 0..1; below, it inflates
    most_faces: int = 20_000
    device: str = "auto"
    note: Note = field(default=unsaid, repr=False, compare=False)

    def __call__(self, cutout: Cutout, name: str) -> Mesh:
        """Needs an opaque pixel, and the networks."""
        alpha = cutout.rgba[..., 3]
        if not (alpha >= 0.5).any():
            raise InputError(f"the cut-out of {name!r} has no opaque pixel; give it an outline")
        focal = max(focal_in_sides(cutout) or USUAL_FOCAL, CLOSEST)
        place = str(Place(self.device).chosen()[0])
        guess = seen(cutout, focal, _network(place), packaged(place))
        solid = guess.solid[0].float().cpu()
        choice = best_choice(solid, alpha)
        if choice.overlap < self.least_sure:
            self.note(
                "is its outline inflated: its shape was not clear from the photo "
                f"({choice.overlap:.2f} of 1)"
            )
            return InflateReconstructor()(cutout, name)
        solid = solid - choice.logit
        found = on_rays(surface(solid, alpha.detach(), focal, self.most_faces), cutout, focal)
        return textured(found, guess.back[0].float().cpu(), cutout, focal, name)

    def close(self) -> None:
        """Lets go of the head; the transformer is shared and stays."""
        _network.cache_clear()


@lru_cache(maxsize=1)
def _network(device: str) -> ShapeHead:
    return with_shipped_weights(ShapeHead(), "shape").to(torch.device(device))
