"""Who finds an outline again after painting: the segmenter that the run has."""

import tomllib

import pytest

from reparo import settings

INPAINT = tomllib.loads('[complete]\nuse = "inpaint"')


def segmenter(*tables: str) -> object:
    overrides = [INPAINT, *map(tomllib.loads, tables)]
    return settings.load(overrides=overrides).complete.fields["segmenter"]


def test_it_is_the_runs_own_with_its_settings():
    assert segmenter("[segment]\nsamples = 20") == {"use": "sam", "samples": 20}


def test_what_was_asked_of_the_photo_is_not_asked_again():
    assert segmenter('[segment]\nboxes = "boxes.json"') == {"use": "sam"}


def test_with_given_masks_it_is_the_presets():
    assert segmenter('[segment]\nuse = "given"\nfolder = "masks"') == {"use": "sam"}


def test_another_can_be_said():
    assert segmenter('[complete.segmenter]\nuse = "other"') == {"use": "other"}


@pytest.mark.parametrize("stage", ["segment", "complete"])
def test_others_do_not_get_one(stage):
    assert "segmenter" not in getattr(settings.load(), stage).fields
