"""Finds the objects of a photo without being told where they are.

A saliency network says which places stand out from floor, wall and far background; the segmenter
is asked at points spread over those places; the points vote on what the objects are.
"""

from jaxtyping import Bool
from torch import Tensor

from reparo.contracts import Progress
from reparo.scene import Photo, Region
from reparo.stages.segment.choose import choose, plausible
from reparo.stages.segment.network import View, load_sam
from reparo.stages.segment.propose import Proposals, ask_at, lattice, propose
from reparo.stages.segment.regions import disjoint_regions
from reparo.stages.segment.salience import FIGURE, salience
from reparo.stages.segment.tidy import tidy

FAINT = 0.25  # of the strongest salience; what is fainter is not a figure


def find_objects(photo: Photo, points: int, progress: Progress) -> list[Region]:
    """Regions called object-1, object-2, ..., largest first."""
    view = load_sam().look(photo.rgb)
    standing_out = salience(photo.rgb, view.low_size)
    level = max(FIGURE, FAINT * standing_out.quantile(0.995).item())
    proposals = propose(view, lattice(standing_out > level, points), progress)
    chosen = choose(proposals, plausible(proposals, standing_out, level))
    masks = [_fine_mask(view, proposals, index) for index in chosen.tolist()]
    regions = disjoint_regions([f"{i:03}" for i in range(len(masks))], masks)
    return [Region(f"object-{i}", region.visible) for i, region in enumerate(regions, 1)]


def _fine_mask(view: View, proposals: Proposals, index: int) -> Bool[Tensor, "h w"]:
    """A chosen mask at the photo's size; asked for again, so that no logits need be kept."""
    point = proposals.points[proposals.voter[index]].tolist()
    logits = ask_at(view, point).logits[proposals.channel[index]]
    return tidy(view.at_picture_size(logits))
