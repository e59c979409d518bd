"""Outlines found again by the packaged SAM, where a painter who knows the truth has painted."""

import pytest
import torch

from reparo.evaluate.made_up import full_masks, made_up_scene
from reparo.files.cutouts import outline_in_photo
from reparo.render.renderer import TorchRenderer
from reparo.stages.complete import inpaint
from reparo.stages.complete.inpaint import InpaintCompleter


@pytest.mark.weights
@pytest.mark.parametrize(("seed", "name"), [(1, "house"), (8, "ring")])
def test_half_hidden_objects_come_out_whole(monkeypatch, seed, name):
    """The painter leaves a shadow and some noise; half of each object is hidden."""
    torch.set_default_dtype(torch.float32)
    render = TorchRenderer()
    scene, seen = made_up_scene(seed, render, 4)
    index = scene.names.index(name)
    region = next(one for one in seen.regions if one.name == name)
    others = [one for one in seen.regions if one is not region]
    whole = full_masks(scene, render)[index] | region.visible
    colours = render.layers(scene.meshes, scene.layout, scene.camera)[index].rgb
    assert float((whole & ~region.visible).sum() / whole.sum()) > 0.4

    def ideal(rgb, hole, painting, network, told):
        canvas = inpaint.prepare(seen.photo, region.visible, hiders)
        cut = canvas.square.cut(torch.cat([colours, whole[..., None].float()], -1))
        height = torch.linspace(0.05, -0.1, len(rgb))[:, None, None]
        ground = canvas.ground + height + 0.02 * torch.randn(rgb.shape)
        painted = torch.where(cut[..., 3:] > 0.5, cut[..., :3], ground)
        return torch.where(hole[..., None], painted, rgb)

    hiders = inpaint.hiders_of(region, others, seen.depth)
    monkeypatch.setattr(inpaint, "paint", ideal)
    monkeypatch.setattr(inpaint, "native_size", lambda folder: 512)
    completer = InpaintCompleter(weights="/", segmenter={"use": "sam"})
    outline = outline_in_photo(completer(seen.photo, region, others, seen.depth), whole.shape)
    assert float((outline & whole).sum() / (outline | whole).sum()) > 0.97
