"""Depth by a small network of our own, which looks through the packaged transformer.

Trained on made-up rooms (`training/depth.py`); what it learned and what not stands in
`reparo/weights/depth.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import interpolate

from reparo.contracts import Note, unsaid
from reparo.scene import Camera, Depth, Photo, Region
from reparo.stages.depth.edges import sharpened
from reparo.stages.depth.network import FINER, MOST, DepthNetwork, make_clues
from reparo.stages.pretrained import Place
from reparo.stages.vision.backbone import in_patches, levels, packaged
from reparo.stages.vision.shipped import with_shipped_weights


@dataclass(frozen=True)
class EmbeddedDepth:
    """Disparity, kind `disparity`: what stands on a floor, seen from the height of a person.

    Zero is about what infinitely far things have, which gives the camera's pitch. The photo is
    looked at twice, the second time mirrored; where the two answers differ by more than
    `most_unsure`, a note says so. Edges follow the regions.
    """

    size: int = 504  # px of the longer side that the transformer sees; larger than in training
    most_unsure: float = 0.25  # mean difference of the two answers, in mean deviations of the map
    device: str = "auto"
    note: Note = field(default=unsaid, repr=False, compare=False)

    def __call__(self, photo: Photo, camera: Camera, regions: Sequence[Region]) -> Depth:
        """The camera is not looked at; a region's pixels count as one thing."""
        masks = _stacked(regions, photo.size)
        plain = self._looked(photo.rgb, masks)
        mirrored = self._looked(photo.rgb.flip(1), masks.flip(2)).flip(1)
        answers = [one / _deviation(one) for one in (plain, mirrored)]
        unsure = float((answers[0] - answers[1]).abs().mean())
        if unsure > self.most_unsure:
            self.note(
                f"the depth network is unsure of this photo (its answers differ by {unsure:.0%}): "
                "distances are rough; --depth gives better ones"
            )
        values = sharpened((answers[0] + answers[1]) / 2, masks)
        known = torch.ones_like(values, dtype=torch.bool)
        return Depth(values.to(photo.rgb), known, "disparity", infinity=0.0)

    def close(self) -> None:
        """Lets go of the network."""
        _network.cache_clear()

    @torch.inference_mode()
    def _looked(
        self, rgb: Float[Tensor, "h w 3"], masks: Bool[Tensor, "n h w"]
    ) -> Float[Tensor, "y x"]:
        """The network's own numbers, on its own grid."""
        place = str(Place(self.device).chosen()[0])
        seeing = packaged(place)
        tokens = levels(seeing, in_patches(seeing, rgb, self.size))
        fine = (tokens.shape[-2] * FINER, tokens.shape[-1] * FINER)
        picture = rgb.movedim(-1, 0)[None].to(tokens)
        picture = interpolate(picture, fine, mode="bilinear", antialias=True)[0].movedim(0, -1)
        number = torch.zeros(fine, dtype=torch.long, device=tokens.device)
        for index, mask in enumerate(masks[: MOST - 1], 1):
            small = interpolate(mask[None, None].to(tokens), fine, mode="nearest-exact")
            number[small[0, 0] > 0.5] = index
        return _network(place)(tokens, make_clues(picture[None], number[None]))[0].cpu()


def _stacked(regions: Sequence[Region], size: tuple[int, int]) -> Bool[Tensor, "n h w"]:
    if not regions:
        return torch.zeros(0, *size, dtype=torch.bool)
    return torch.stack([region.visible.cpu() for region in regions])


def _deviation(values: Float[Tensor, "y x"]) -> Float[Tensor, ""]:
    """Mean absolute difference from the median."""
    return (values - values.median()).abs().mean().clamp_min(1e-6)


@lru_cache(maxsize=1)
def _network(device: str) -> DepthNetwork:
    return with_shipped_weights(DepthNetwork(), "depth").to(torch.device(device))
