"""What `contracts.Segmenter` promises, asked of every installed backend."""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

from reparo import contracts, registry
from reparo.errors import MissingExtra, MissingWeights
from reparo.scene import Photo
from reparo.stages.segment.grounding import GroundingDino

WAYS = ("sam boxes", "sam2 points", "sam2 text")


def photo_of_two_things():
    """A ball and a crate on a floor; and their masks."""
    y, x = torch.meshgrid(torch.arange(120), torch.arange(160), indexing="ij")
    rgb = torch.full((120, 160, 3), 0.8) * torch.linspace(0.8, 1, 120)[:, None, None]
    masks = {
        "ball": (x - 45) ** 2 + (y - 65) ** 2 < 22**2,
        "crate": (x > 95) & (x < 135) & (y > 45) & (y < 85),
    }
    rgb[masks["ball"]] = torch.tensor([0.8, 0.1, 0.1])
    rgb[masks["crate"]] = torch.tensor([0.1, 0.2, 0.7])
    return Photo(rgb), masks


def settings(name, folder):
    """What a backend needs beyond its defaults."""
    if name == "given":
        _, masks = photo_of_two_things()
        for stem, mask in masks.items():
            Image.fromarray(mask.numpy().astype(np.uint8) * 255).save(folder / f"{stem}.png")
        return {"folder": folder}
    return {"samples": 12} if name == "sam" else {}


def hub_settings(way, networks, folder):
    """Of the segmenter for folders of the hub's layout: tiny random networks, asked in all ways."""
    found = {"weights": networks.sam2 if "sam2" in way else networks.sam, "device": "cpu"}
    if "text" in way:
        detector = GroundingDino(networks.grounding_dino, threshold=0.01)
        return {**found, "text": "ball . crate", "detector": detector}
    prompts = {
        "boxes": {"ball": [20, 40, 70, 90], "crate": [90, 40, 140, 90]},
        "points": {"ball": [[45, 65, 1], [110, 60, 0]], "crate": [[115, 65, 1]]},
    }
    kind = way.split()[-1]
    path = folder / "prompts.json"
    path.write_text(json.dumps(prompts[kind]))
    return {**found, kind: path}


# A backend that needs networks is tried where they were pulled: `pytest -m weights`.
BACKENDS = [
    "given",
    pytest.param("sam", marks=pytest.mark.weights),
    *(f"sam-hub, {way}" for way in WAYS),
]


def test_every_installed_backend_is_tried():
    tried = {str(getattr(one, "values", [one])[0]).partition(",")[0] for one in BACKENDS}
    assert tried >= set(registry.names("segment"))


@pytest.fixture(params=BACKENDS)
def segmenter(request, tmp_path):
    name, _, way = request.param.partition(", ")
    if way:
        chosen = hub_settings(way, request.getfixturevalue("networks"), tmp_path)
    else:
        chosen = settings(name, tmp_path)
    return registry.create("segment", name, **chosen)


@pytest.fixture
def regions(segmenter):
    try:
        return segmenter(photo_of_two_things()[0])
    except (MissingWeights, MissingExtra) as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("segmenter", BACKENDS[:2], indirect=True)
def test_the_two_things_are_found_where_no_network_is_random(regions):
    assert len(regions) == 2


def test_it_is_a_segmenter(segmenter):
    assert isinstance(segmenter, contracts.Segmenter)


def test_regions_are_disjoint_and_largest_first(regions):
    areas = [region.area for region in regions]
    assert areas
    assert torch.stack([region.visible for region in regions]).sum(0).max() <= 1
    assert areas == sorted(areas, reverse=True)
    assert min(areas) > 0


def test_names_are_unique_and_safe_for_files(regions):
    names = [region.name for region in regions]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in names)


def test_masks_have_the_size_of_the_photo(regions):
    assert {tuple(region.visible.shape) for region in regions} == {(120, 160)}
