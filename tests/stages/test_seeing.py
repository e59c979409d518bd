"""Our resize and normalisation against the library's own, which round to 8 bits in between."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from reparo.errors import InputError
from reparo.stages.depth.depth_anything import inner_size
from reparo.stages.seeing import read_seeing
from reparo.stages.segment.grounding import fitted
from reparo.stages.segment.sam_network import Frame

LEVEL = 1 / 255 / 0.224  # one of 256 levels, over the least deviation
SIZES = [(480, 640), (640, 480), (97, 97), (301, 1203), (30, 20), (1111, 777)]


def picture(size):
    """Noise on waves: edges and plains at all scales."""
    y, x = np.mgrid[: size[0], : size[1]]
    waves = np.stack([np.sin(x / 7 + y / 30), np.cos(y / 5), np.sin((x + y) / 11)], -1)
    noise = np.random.default_rng(0).normal(scale=0.3, size=(*size, 3))
    return ((waves + noise + 2) / 4 * 255).clip(0, 255).astype(np.uint8)


def alike(ours, theirs):
    """But for the rounding, twice, to 8 bits."""
    gap = (ours.double() - torch.as_tensor(np.asarray(theirs)).double()).abs()
    assert ours.shape == gap.shape
    assert gap.max() < 1.6 * LEVEL
    assert gap.mean() < 0.4 * LEVEL


def rgb(pixels):
    return torch.from_numpy(pixels).double() / 255


@pytest.mark.parametrize("size", SIZES)
def test_depth_anything_sees_what_the_official_processor_shows(networks, size):
    from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

    official = DPTImageProcessorPil.from_pretrained(networks.depth)
    theirs = official(Image.fromarray(picture(size)), return_tensors="np")["pixel_values"]
    seeing = read_seeing(networks.depth)
    ours = seeing.resized(rgb(picture(size)), inner_size(size, seeing.side("height"), 14))
    alike(ours, theirs)


@pytest.mark.parametrize("size", SIZES)
def test_sam_sees_what_the_official_processor_shows(networks, size):
    from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

    official = SamImageProcessorPil.from_pretrained(networks.sam)
    found = official(Image.fromarray(picture(size)), return_tensors="np")
    frame = Frame.of(size, 64, 32, stretched=False)
    assert frame.inner == tuple(found["reshaped_input_sizes"][0])
    ours = read_seeing(networks.sam).resized(rgb(picture(size)), frame.inner)
    alike(ours, found["pixel_values"][:, :, : frame.inner[0], : frame.inner[1]])


@pytest.mark.parametrize("size", SIZES)
def test_grounding_dino_sees_what_the_official_processor_shows(networks, size):
    from transformers.models.grounding_dino.image_processing_pil_grounding_dino import (
        GroundingDinoImageProcessorPil,
    )

    official = GroundingDinoImageProcessorPil.from_pretrained(networks.grounding_dino)
    theirs = official(Image.fromarray(picture(size)), return_tensors="np")["pixel_values"]
    alike(
        read_seeing(networks.grounding_dino).resized(rgb(picture(size)), fitted(size, 64, 107)),
        theirs,
    )


@pytest.mark.parametrize("size", SIZES)
def test_sam_2_sees_the_picture_stretched_by_pillow_and_normalised(networks, size):
    """Its official processor needs torchvision; this is its formula."""
    small = np.asarray(Image.fromarray(picture(size)).resize((64, 64), Image.Resampling.BILINEAR))
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    theirs = ((small / 255 - mean) / deviation).transpose(2, 0, 1)[None]
    frame = Frame.of(size, 64, 16, stretched=True)
    alike(read_seeing(networks.sam2).resized(rgb(picture(size)), frame.inner), theirs)


@pytest.mark.parametrize("size", [(480, 640), (641, 479), (300, 1200), (3000, 2000), (500, 500)])
def test_the_sizes_of_the_full_networks_are_the_official_ones(size):
    from transformers.models.detr.image_processing_pil_detr import get_size_with_aspect_ratio
    from transformers.models.dpt.image_processing_pil_dpt import get_resize_output_image_size

    assert fitted(size, 800, 1333) == get_size_with_aspect_ratio(size, 800, 1333)
    theirs = get_resize_output_image_size(np.zeros((3, *size)), (518, 518), True, 14)
    assert inner_size(size, 518, 14) == (theirs.height, theirs.width)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"image_mean": None}, "image_mean"),
        ({"image_std": [1, 0, 1]}, "above 0"),
        ({"image_mean": [0.5]}, "image_mean"),
    ],
)
def test_a_folder_that_does_not_say_how_it_sees_is_refused(tmp_path, change, words):
    table = {"image_mean": [0.5, 0.5, 0.5], "image_std": [1, 1, 1], **change}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(table))
    with pytest.raises(InputError, match=words):
        read_seeing(tmp_path)


def test_no_file_is_refused_and_the_newer_file_s_name_is_known(tmp_path):
    with pytest.raises(InputError, match="preprocessor_config"):
        read_seeing(tmp_path)
    table = {"image_mean": [0.5, 0.4, 0.3], "image_std": [1, 1, 1], "size": {"height": 8}}
    (tmp_path / "processor_config.json").write_text(json.dumps({"image_processor": table}))
    seeing = read_seeing(tmp_path)
    assert seeing.mean == (0.5, 0.4, 0.3)
    assert seeing.side("shortest_edge", "height") == 8
    with pytest.raises(InputError, match="longest_edge"):
        seeing.side("longest_edge")
