"""What all SAMs share, with a predictor that knows the truth: each mask in its place."""

import json

import pytest
import torch
from fake_predictor import Oracle

from reparo.errors import InputError
from reparo.scene import Photo
from reparo.stages.segment.asked import Asked, segment
from reparo.stages.segment.automatic import find_objects
from reparo.stages.segment.named import Found, objects_named, phrases_in
from reparo.stages.segment.predictor import Predictor, View

THINGS = {  # name: colour, and left, top, right, bottom as shares of the picture
    "ball": ((0.9, 0.1, 0.1), (0.10, 0.20, 0.35, 0.55)),
    "crate": ((0.1, 0.2, 0.8), (0.55, 0.40, 0.90, 0.80)),
    "cup": ((0.1, 0.7, 0.2), (0.30, 0.70, 0.45, 0.90)),
}
SIZES = [(240, 320), (320, 240), (100, 300), (301, 199)]


def still_life(size):
    """Coloured boxes on grey; and their masks."""
    height, width = size
    rgb, masks = torch.full((*size, 3), 0.6), {}
    for name, (colour, (left, top, right, bottom)) in THINGS.items():
        mask = torch.zeros(size, dtype=torch.bool)
        mask[int(top * height) : int(bottom * height), int(left * width) : int(right * width)] = (
            True
        )
        rgb[mask] = torch.tensor(colour)
        masks[name] = mask
    return Photo(rgb), masks


def box_in(size, name):
    left, top, right, bottom = THINGS[name][1]
    return [left * size[1], top * size[0], right * size[1], bottom * size[0]]


def iou(one, other):
    return float((one & other).sum() / (one | other).sum())


def silent(*_):
    """No one looks."""


def no_detector():
    raise AssertionError("only text needs a detector")


def as_file(folder, content):
    path = folder / "prompts.json"
    path.write_text(json.dumps(content))
    return path


def test_the_oracle_keeps_the_contract():
    assert isinstance(Oracle(), Predictor)
    assert isinstance(Oracle().look(torch.rand(8, 9, 3)), View)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", ["boxes", "points"])
def test_each_prompt_brings_its_object_at_the_photo_s_size_and_place(tmp_path, size, way):
    photo, masks = still_life(size)
    boxes = {name: box_in(size, name) for name in THINGS}
    if way == "boxes":
        content = boxes
    else:
        content = {
            name: [[(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, 1]] for name, box in boxes.items()
        }
    asked = Asked(**{way: as_file(tmp_path, content)})
    regions = segment(photo, asked, Oracle, no_detector)
    assert [region.name for region in regions] == ["crate", "ball", "cup"]
    for region in regions:
        assert region.visible.shape == size
        assert iou(region.visible, masks[region.name]) > 0.85


@pytest.mark.parametrize("size", SIZES[:2])
def test_without_prompts_the_things_that_stand_out_are_found(size):
    photo, masks = still_life(size)

    def stands_out(rgb, low):
        thing = torch.stack(list(masks.values())).any(0)[None, None].float()
        return torch.nn.functional.interpolate(thing, low, mode="area")[0, 0]

    oracle = Oracle()
    regions = find_objects(photo, oracle, 60, silent, stands_out)
    assert [region.name for region in regions] == ["object-1", "object-2", "object-3"]
    for mask in masks.values():
        assert max(iou(region.visible, mask) for region in regions) > 0.9
    assert oracle.looks[0] == size
    assert len(oracle.looks) > 2  # then the objects from nearer by, but for large ones


@pytest.mark.parametrize("size", SIZES)
def test_what_text_names_is_outlined_once_and_called_after_its_phrase(size):
    photo, masks = still_life(size)
    found = [
        Found("Table Lamp", tuple(box_in(size, "ball")), 0.5),
        Found("chair", tuple(box_in(size, "crate")), 0.9),
        Found("stool", tuple(box_in(size, "crate")), 0.4),  # the chair again
        Found("chair", tuple(box_in(size, "cup")), 0.6),
    ]
    regions = {region.name: region for region in objects_named(photo, Oracle(), found, silent)}
    truth = {"chair": "crate", "chair-2": "cup", "able-amp": "ball"}
    assert set(regions) == set(truth)
    for name, thing in truth.items():
        assert iou(regions[name].visible, masks[thing]) > 0.85


def test_text_asks_the_detector_for_its_phrases_and_nothing_found_is_nothing():
    photo, masks = still_life((240, 320))
    heard = []

    def detector(rgb, phrases):
        heard.append(phrases)
        return [Found("ball", tuple(box_in((240, 320), "ball")), 0.7)] if "ball" in phrases else []

    asked = Asked(text="  Ball .  table   lamp. ball")
    (region,) = segment(photo, asked, Oracle, lambda: detector)
    assert heard == [["ball", "table lamp"]]
    assert iou(region.visible, masks["ball"]) > 0.85
    assert segment(photo, Asked(text="lamp"), Oracle, lambda: detector) == []


@pytest.mark.parametrize("text", ["", " . ", "..."])
def test_text_that_names_nothing_is_refused(text):
    with pytest.raises(InputError, match="full stops between"):
        phrases_in(text)


def test_only_one_way_to_say_where_the_objects_are():
    with pytest.raises(InputError, match="boxes and text"):
        Asked(boxes="a.json", text="chair").check()
