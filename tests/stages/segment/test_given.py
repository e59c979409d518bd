import numpy as np
import pytest
import torch
from PIL import Image

from reparo.errors import InputError
from reparo.scene import Photo
from reparo.stages.segment.given import GivenSegmenter


@pytest.fixture
def photo():
    return Photo(torch.rand(20, 30, 3))


def paint(path, rows, columns):
    pixels = np.zeros((20, 30), np.uint8)
    pixels[rows, columns] = 255
    Image.fromarray(pixels).save(path)


def test_masks_become_regions_of_their_names_largest_first(tmp_path, photo):
    paint(tmp_path / "cup.png", slice(0, 4), slice(0, 4))
    paint(tmp_path / "old-table.png", slice(10, 20), slice(0, 30))
    regions = GivenSegmenter(tmp_path)(photo)
    assert [(region.name, region.area) for region in regions] == [("old-table", 300), ("cup", 16)]


def test_an_overlap_goes_to_the_smaller_which_is_taken_to_be_in_front(tmp_path, photo):
    paint(tmp_path / "cup.png", slice(8, 12), slice(0, 4))
    paint(tmp_path / "table.png", slice(10, 20), slice(0, 30))
    table, cup = GivenSegmenter(tmp_path)(photo)
    assert (table.area, cup.area) == (300 - 8, 16)
    assert not (table.visible & cup.visible).any()


def test_a_mask_of_which_nothing_is_left_is_refused(tmp_path, photo):
    for name in ("one", "two"):
        paint(tmp_path / f"{name}.png", slice(0, 4), slice(0, 4))
    with pytest.raises(InputError, match="nothing of 'one' is left"):
        GivenSegmenter(tmp_path)(photo)


def test_a_folder_that_is_missing_or_empty_is_refused(tmp_path, photo):
    with pytest.raises(InputError, match="has no PNG"):
        GivenSegmenter(tmp_path)(photo)
    with pytest.raises(InputError, match="is none"):
        GivenSegmenter(tmp_path / "nosuch")(photo)


def test_a_mask_of_another_size_and_an_unsafe_name_are_refused(tmp_path, photo):
    Image.fromarray(np.full((20, 31), 255, np.uint8)).save(tmp_path / "cup.png")
    with pytest.raises(InputError, match="30x20"):
        GivenSegmenter(tmp_path)(photo)
    (tmp_path / "cup.png").rename(tmp_path / "a cup.png")
    with pytest.raises(InputError, match="'a cup'"):
        GivenSegmenter(tmp_path)(photo)
