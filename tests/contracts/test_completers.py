"""What `contracts.Completer` promises, asked of every installed backend."""

import pytest
import torch
from tiny_diffusion import write_inpainting

from reparo import contracts, registry
from reparo.errors import MissingExtra, MissingWeights
from reparo.files.cutouts import outline_in_photo, write_cutout
from reparo.scene import Photo, Region
from reparo.stages.complete.cutout import make_cutout

SIZE = (60, 80)


@pytest.fixture
def photo():
    pixels = (torch.rand(*SIZE, 3) * 255).to(torch.uint8)
    return Photo.from_array(pixels.numpy())


def region(name: str, top: int, bottom: int, left: int, right: int) -> Region:
    visible = torch.zeros(SIZE, dtype=torch.bool)
    visible[top:bottom, left:right] = True
    return Region(name, visible)


HIDDEN = region("hidden", 10, 30, 20, 50)
HIDER = region("hider", 30, 55, 15, 40)
CORNER = region("corner", 0, 12, 60, 80)


@pytest.fixture(params=registry.names("complete"))
def completer(request, photo, tmp_path):
    for one in (HIDDEN, HIDER, CORNER):
        cutout = make_cutout(photo, one.visible, torch.zeros(*SIZE, 4), None)
        write_cutout(tmp_path, one.name, cutout)
    settings = {"given": {"folder": tmp_path}}
    if request.param == "inpaint":
        settings["inpaint"] = {"weights": write_inpainting(tmp_path / "inpaint"), "steps": 2}
    try:
        return registry.create("complete", request.param, **settings.get(request.param, {}))
    except (MissingWeights, MissingExtra) as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("which", [HIDDEN, HIDER, CORNER], ids=lambda one: one.name)
def test_visible_pixels_are_kept_and_invented_ones_are_not_visible(completer, photo, which):
    assert isinstance(completer, contracts.Completer)
    others = [one for one in (HIDDEN, HIDER, CORNER) if one is not which]
    try:
        cutout = completer(photo, which, others, None)
    except (MissingWeights, MissingExtra) as error:
        pytest.skip(str(error))
    alpha = cutout.rgba[..., 3]
    assert (alpha[cutout.visible] == 1).all()
    assert ((cutout.rgba >= 0) & (cutout.rgba <= 1)).all()
    border = torch.cat([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    assert border.max() == 0  # a margin
    y, x = cutout.visible.nonzero().unbind(-1)
    corners = torch.stack([x, y, torch.ones_like(x)]).to(alpha) + torch.tensor([[0.5], [0.5], [0]])
    column, row = (cutout.photo_from_cutout @ corners).long()
    assert which.visible[row, column].all()
    torch.testing.assert_close(cutout.rgba[y, x, :3], photo.rgb[row, column], atol=1 / 255, rtol=0)
    assert (outline_in_photo(cutout, SIZE) >= which.visible).all()
