"""Completes hidden parts with a small network of our own: outlines learnt, colours mirrored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.contracts import Note, unsaid
from reparo.scene import Cutout, Depth, Photo, Region
from reparo.stages.complete.canvas import in_photo
from reparo.stages.complete.cutout import Square, make_cutout, shown
from reparo.stages.complete.look import Masks, planes, resized, sampled, square_around
from reparo.stages.complete.network import OutlineNetwork
from reparo.stages.complete.order import hiders_of
from reparo.stages.complete.outline import Completion, attached, complete_outline
from reparo.stages.complete.symmetry import mirrored
from reparo.stages.pretrained import Place
from reparo.stages.vision.backbone import in_patches, levels, packaged
from reparo.stages.vision.shipped import with_shipped_weights

SEEN = 336  # px of the photo's longer side as the transformer sees it


@dataclass(frozen=True)
class Found:
    """An answer about what is hidden."""

    hidden: Bool[Tensor, "h w"]
    sure: float  # the IoU to be expected of the hidden part, 0..1
    smooth: Completion  # as `symmetry` would answer; the network knows it


@dataclass(frozen=True)
class EmbeddedCompleter:
    """Says where an object goes on behind others, as learnt from furniture behind furniture.

    Never outside the masks of the hiding objects and the gaps between. Where the network is unsure
    the outline is continued smoothly, as `symmetry` does it, and a note says so. Hidden colours
    are as `symmetry`'s.
    """

    largest: int = 512  # px, the cut-out's side
    least_sure: float = 0.3  # expected IoU of the hidden part, 0..1; below it `symmetry` answers
    device: str = "auto"
    note: Note = field(default=unsaid, repr=False, compare=False)

    def __call__(
        self, photo: Photo, region: Region, others: Sequence[Region], depth: Depth | None
    ) -> Cutout:
        """Needs a region with a visible pixel."""
        visible = shown(region)
        masks = masks_of(region, others, depth)
        invented = torch.zeros((*visible.shape, 4), dtype=photo.rgb.dtype)
        found = self.look(photo, masks)
        if found is not None:
            hidden = found.hidden
            if found.sure < self.least_sure:
                self.note("goes on smoothly where it is hidden, since the network was unsure of it")
                hidden = torch.from_numpy(found.smooth.hidden)
            invented[..., :3] = mirrored(photo, region, found.smooth.mirror)
            invented[..., 3] = hidden.to(invented)
        return make_cutout(photo, visible, invented, depth, self.largest)

    def close(self) -> None:
        """Lets go of the network and of what it saw."""
        _network.cache_clear()
        _tokens.cache_clear()

    def look(self, photo: Photo, masks: Masks) -> Found | None:
        """What the network says; None where nothing hides the object, then it isn't asked."""
        square = square_around(masks)
        if square is None:
            return None
        smooth = complete_outline(masks.visible.cpu().numpy(), masks.maybe.cpu().numpy())
        guess = torch.from_numpy(smooth.hidden)
        device = str(Place(self.device).chosen()[0])
        tokens = _tokens(photo, device)
        shown = planes(photo.rgb.float(), masks, guess, square).to(tokens)
        logits = asked(_network(device), shown, sampled(tokens, square, photo.size))
        return Found(drawn(logits, masks, square), sureness(logits, masks, square), smooth)


def masks_of(region: Region, others: Sequence[Region], depth: Depth | None) -> Masks:
    """The object, what hides it, and all others."""
    rest = torch.zeros_like(region.visible)
    for other in others:
        rest |= other.visible
    apart = ~region.visible
    return Masks(region.visible, hiders_of(region, others, depth) & apart, rest & apart)


def asked(
    network: Callable[..., Tensor],
    shown: Float[Tensor, "planes s s"],
    seen: Float[Tensor, "c t t"],
) -> Float[Tensor, "s s"]:
    """The network's logits of the full outline in a square, of its planes and tokens.

    It is asked twice, the second time with all mirrored; the mean counts.
    """
    pairs = (torch.stack([one, one.flip(-1)]) for one in (shown, seen))
    with torch.inference_mode():
        plain, turned = network(*pairs)
    return (plain + turned.flip(-1)).float().cpu() / 2


def drawn(logits: Float[Tensor, "s s"], masks: Masks, square: Square) -> Bool[Tensor, "h w"]:
    """The hidden part in the photo's pixels: where the logits are above 0, and it may be."""
    height, width = masks.visible.shape
    fine = resized(logits[None], square.side).movedim(0, -1)
    inside = in_photo(fine, square, (height, width))[..., 0] > 0
    hidden = attached(masks.visible.cpu().numpy(), (inside & masks.maybe).cpu().numpy())
    return torch.from_numpy(hidden)


def sureness(logits: Float[Tensor, "s s"], masks: Masks, square: Square) -> float:
    """The IoU to be expected of the hidden part, if the network's probabilities are right."""
    where = resized(square.cut(masks.maybe[..., None].float()).movedim(-1, 0), logits.shape[-1])[0]
    likely = logits.sigmoid() * where
    said = (logits > 0).float() * where
    both = float((likely * (logits > 0)).sum())
    either = float(torch.maximum(likely, said).sum())
    return both / max(either, 1e-6)


@lru_cache(maxsize=1)
def _network(device: str) -> OutlineNetwork:
    return with_shipped_weights(OutlineNetwork(), "outline").to(torch.device(device))


@lru_cache(maxsize=1)
def _tokens(photo: Photo, device: str) -> Float[Tensor, "c rows columns"]:
    """Of the whole photo, found once for all its objects."""
    network = packaged(device)
    with torch.inference_mode():
        return levels(network, in_patches(network, photo.rgb, SEEN))[0].float()
