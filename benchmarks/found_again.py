"""How well a painted object's outline is found again, if the painter knows the truth.

    python benchmarks/found_again.py [FIRST LAST]        seeds of made-up scenes; 12 30 unless said

The network is replaced by one that paints the true object, a contact shadow and some noise into
the hole, on a ground that is not quite even. What is left to measure is the hole, the box, the
packaged SAM and the limits put on its answer: intersection over union with the true whole outline,
mean over the partly hidden objects, beside the smooth continuation's and the visible part's own.
"""

import sys
from unittest.mock import patch

import torch
from jaxtyping import Float
from torch import Tensor

from reparo.evaluate.made_up import full_masks, made_up_scene
from reparo.files.cutouts import outline_in_photo
from reparo.render.renderer import TorchRenderer
from reparo.scene import Observation, Region
from reparo.stages.complete.canvas import Canvas
from reparo.stages.complete.inpaint import InpaintCompleter
from reparo.stages.complete.symmetry import SymmetryCompleter

SIZE = (256, 256)


def ideal(canvas: Canvas, colours: Tensor, whole: Tensor, seed: int) -> Float[Tensor, "s s 3"]:
    """The true object in the hole, on a ground with a shadow below it."""
    noise = torch.Generator().manual_seed(seed)
    cut = canvas.square.cut(torch.cat([colours, whole[..., None].to(colours)], -1))
    drawn, inside = cut[..., :3], cut[..., 3] > 0.5
    side = len(cut)
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    rows, columns = inside.nonzero().unbind(-1)
    foot, middle = rows.max(), columns.float().mean()
    away = ((y - foot) / (0.05 * side)) ** 2 + ((x - middle) / (0.25 * side)) ** 2
    ground = canvas.ground - 0.05 * (y / side - 0.5) - 0.25 * torch.exp(-away)
    painted = torch.where(inside[..., None], drawn, ground[..., None])
    painted = painted + 0.02 * torch.randn(painted.shape, generator=noise)
    return torch.where(canvas.hole[..., None], painted, canvas.rgb)


def scores(
    seen: Observation, region: Region, truth: tuple[Tensor, Tensor], seed: int
) -> dict[str, float] | None:
    """Of one object; none where nothing is in front of it."""
    colours, whole = truth
    others = [one for one in seen.regions if one is not region]
    called = []

    def painted(self: InpaintCompleter, canvas: Canvas, name: str) -> Tensor:
        called.append(name)
        return ideal(canvas, colours, whole, seed)

    with patch.object(InpaintCompleter, "_painted", painted):
        again = InpaintCompleter(segmenter={"use": "sam"})(seen.photo, region, others, seen.depth)
    if not called:
        return None
    smooth = SymmetryCompleter()(seen.photo, region, others, seen.depth)
    found = {
        "visible": region.visible,
        "symmetry": outline_in_photo(smooth, SIZE),
        "found again": outline_in_photo(again, SIZE),
    }
    return {key: float((one & whole).sum() / (one | whole).sum()) for key, one in found.items()}


def main() -> None:
    """Prints a line per object, and the means."""
    first, last = map(int, sys.argv[1:3] or ("12", "30"))
    render, table = TorchRenderer(), []
    for seed in range(first, last):
        scene, seen = made_up_scene(seed, render, 4, SIZE)
        layers = render.layers(scene.meshes, scene.layout, scene.camera)
        wholes = full_masks(scene, render)
        for region in seen.regions:
            index = scene.names.index(region.name)
            truth = (layers[index].rgb, wholes[index] | region.visible)
            found = scores(seen, region, truth, seed)
            if found:
                table.append(found)
                print(seed, region.name, {key: round(one, 3) for key, one in found.items()})
    for key in table[0]:
        print(f"{key}: {sum(one[key] for one in table) / len(table):.3f} of {len(table)} objects")


if __name__ == "__main__":
    main()
