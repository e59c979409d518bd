"""Finds the objects of a photo without being told where they are.

A saliency network says which places stand out from floor, wall and far background; the segmenter
is asked at points spread over those places; the points vote on what the objects are; and each
object gets a second, closer look for its outline.
"""

from collections.abc import Callable

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import interpolate

from reparo.contracts import Progress
from reparo.scene import Photo, Region
from reparo.stages.segment.choose import choose, plausible
from reparo.stages.segment.merge import merge_alike
from reparo.stages.segment.predictor import Predictor, View, at_size
from reparo.stages.segment.propose import Proposals, ask_at, lattice, propose
from reparo.stages.segment.refine import look_closer
from reparo.stages.segment.regions import disjoint_regions
from reparo.stages.segment.salience import FIGURE, salience
from reparo.stages.segment.tidy import tidy

Salience = Callable[[Tensor, tuple[int, int]], Tensor]

FAINT = 0.25  # of the strongest salience; what is fainter is not a figure


def find_objects(
    photo: Photo,
    predictor: Predictor,
    samples: int,
    progress: Progress,
    stands_out: Salience = salience,
) -> list[Region]:
    """Regions called object-1, object-2, ..., largest first.

    `stands_out` says of a picture how much each place is a figure, in the wanted number of pixels.
    """
    view = predictor.look(photo.rgb)
    standing_out = stands_out(photo.rgb, view.low_size)
    level = max(FIGURE, FAINT * standing_out.quantile(0.995).item())
    proposals = propose(view, lattice(standing_out > level, samples), progress)
    figure = plausible(proposals, standing_out, level)
    chosen = choose(proposals, figure)
    chosen = merge_alike(proposals, chosen, figure, _shrunk(photo.rgb, view.low_size)).tolist()
    masks = []
    for done, index in enumerate(chosen):
        progress("outline", done, len(chosen))
        mask = look_closer(predictor, photo.rgb, _first_look(view, proposals, index))
        masks.append(tidy(mask))
    progress("outline", len(chosen), len(chosen))
    regions = disjoint_regions([f"{i:03}" for i in range(len(masks))], masks)
    return [Region(f"object-{i}", region.visible) for i, region in enumerate(regions, 1)]


def _first_look(view: View, proposals: Proposals, index: int) -> Bool[Tensor, "h w"]:
    """A chosen mask at the photo's size; asked for again, so that no logits need be kept."""
    point = proposals.points[proposals.voter[index]].tolist()
    logits = ask_at(view, point).logits[proposals.channel[index]]
    return at_size(logits, view.size)


def _shrunk(rgb: Float[Tensor, "h w 3"], size: tuple[int, int]) -> Float[Tensor, "rows columns 3"]:
    small = interpolate(rgb.movedim(-1, 0)[None].float().cpu(), size, mode="area")
    return small[0].movedim(0, -1).clamp(0, 1)
