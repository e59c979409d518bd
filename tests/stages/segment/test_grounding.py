"""Grounding DINO of the hub's layout, tiny and random, against the library's own way to ask."""

import shutil

import pytest
import torch

from reparo.errors import InputError
from reparo.scene import Photo
from reparo.stages.segment.grounding import GroundingDino, surest
from reparo.stages.segment.sam_hub import HubSamSegmenter


@pytest.fixture
def detector(networks):
    return GroundingDino(networks.grounding_dino, threshold=0.01).load("cpu")


def test_each_box_goes_to_the_phrase_whose_word_it_is_most_like():
    likeness = torch.tensor(
        [
            [0.9, 0.2, 0.1, 0.3, 0.9],  # the special words at both ends count for nothing
            [0.0, 0.1, 0.2, 0.7, 0.0],
            [0.0, 0.5, 0.0, 0.4, 0.0],
        ]
    )
    boxes = torch.arange(12.0).reshape(3, 4)
    found = surest(likeness, boxes, [-1, 0, 1, 1, -1], threshold=0.35)
    assert [(phrase, score) for phrase, _, score in found] == [(1, 0.7), (0, 0.5)]
    assert [box.tolist() for _, box, _ in found] == [[4, 5, 6, 7], [8, 9, 10, 11]]


def test_the_words_are_those_of_the_official_sentence(detector):
    phrases = ["chair", "table lamp", "ball"]
    ids, owner = detector._tokens(phrases)
    assert ids == detector.tokenizer("chair. table lamp. ball.")["input_ids"]
    assert owner == [-1, 0, -1, 1, 1, -1, 2, -1, -1]


@pytest.mark.parametrize("size", [(48, 64), (120, 70)])
def test_boxes_are_those_of_the_official_way(detector, networks, size):
    """The library's processor and decoding, on the same picture and words."""
    from PIL import Image
    from transformers.models.grounding_dino.image_processing_pil_grounding_dino import (
        GroundingDinoImageProcessorPil,
    )

    photo = Photo((torch.rand(*size, 3) * 255).round() / 255)
    official = GroundingDinoImageProcessorPil.from_pretrained(networks.grounding_dino)
    shown = official(Image.fromarray(photo.to_array()), return_tensors="pt")
    words = detector.tokenizer("chair. ball.", return_tensors="pt")
    with torch.no_grad():
        said = detector.model(**shown, **words)
    scores = said.logits[0, :, [1, 3]].sigmoid().amax(1)  # chair, ball
    x, y, w, h = said.pred_boxes[0].unbind(-1)
    scale = torch.tensor([size[1], size[0]] * 2).float()
    theirs = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1) * scale
    theirs = theirs.clamp(min=torch.zeros(4).float(), max=scale)[scores.argsort(descending=True)]
    ours = detector(photo.rgb, ["chair", "ball"])
    assert len(ours) == 12
    assert [found.score for found in ours] == sorted((found.score for found in ours), reverse=True)
    gap = (torch.tensor([found.box for found in ours]).float() - theirs).abs()
    assert gap.max() < 0.02 * max(size)  # the official picture is rounded to 8 bits


def test_text_goes_all_the_way_to_regions(networks):
    segmenter = HubSamSegmenter(
        weights=networks.sam,
        text="chair . ball",
        detector=GroundingDino(networks.grounding_dino, threshold=0.01),
        device="cpu",
    )
    regions = segmenter(Photo(torch.rand(48, 64, 3)))
    areas = [region.area for region in regions]
    assert areas == sorted(areas, reverse=True)
    assert {region.name.partition("-")[0] for region in regions} <= {"chair", "ball"}
    assert regions


def test_more_words_than_the_detector_takes_are_refused(detector):
    with pytest.raises(InputError, match="takes 32"):
        detector(torch.rand(8, 8, 3), ["chair lamp"] * 20)


def test_a_folder_without_words_is_refused(networks, tmp_path):
    folder = shutil.copytree(networks.grounding_dino, tmp_path / "detector")
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (folder / name).unlink()
    with pytest.raises(InputError, match="the words that the detector knows"):
        GroundingDino(folder).load("cpu")
