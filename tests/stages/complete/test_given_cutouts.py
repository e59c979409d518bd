"""Cut-outs read from a folder."""

import pytest
import torch

from reparo.errors import InputError
from reparo.files.cutouts import write_cutout
from reparo.scene import Cutout, Photo, Region
from reparo.stages.complete.given import GivenCompleter

PHOTO = Photo(torch.zeros(4, 4, 3))
REGION = Region("chair", torch.ones(4, 4, dtype=torch.bool))


def test_the_cutout_of_that_name_is_read(tmp_path):
    visible = torch.ones(6, 6, dtype=torch.bool)
    write_cutout(tmp_path, "chair", Cutout(torch.ones(6, 6, 4), visible, torch.eye(2, 3)))
    assert GivenCompleter(tmp_path)(PHOTO, REGION, [], None).rgba.shape == (6, 6, 4)


def test_a_missing_folder_or_name_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        GivenCompleter(tmp_path / "nowhere")(PHOTO, REGION, [], None)
    with pytest.raises(InputError, match="chair"):
        GivenCompleter(tmp_path)(PHOTO, REGION, [], None)
