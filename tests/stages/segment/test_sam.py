import json

import pytest
import torch

from reparo.errors import InputError, MissingWeights
from reparo.scene import Photo
from reparo.stages.segment.grounding import GroundingDino
from reparo.stages.segment.network import LOW, PackagedView
from reparo.stages.segment.predictor import at_size
from reparo.stages.segment.sam import SamSegmenter


def still_life(scale=1):
    """A red disc and a blue box on a pale floor that darkens to the back."""
    rgb = torch.full((240, 320, 3), 0.8)
    rgb *= torch.linspace(0.8, 1, 240)[:, None, None]
    y, x = torch.meshgrid(torch.arange(240), torch.arange(320), indexing="ij")
    disc = (x - 90) ** 2 + (y - 130) ** 2 < 45**2
    square = (x > 190) & (x < 270) & (y > 90) & (y < 170)
    rgb[disc] = torch.tensor([0.8, 0.1, 0.1])
    rgb[square] = torch.tensor([0.1, 0.2, 0.7])
    return Photo(rgb.repeat_interleave(scale, 0).repeat_interleave(scale, 1)), disc, square


def iou(a, b):
    return ((a & b).sum() / (a | b).sum()).item()


@pytest.fixture
def asked(tmp_path):
    def write(content):
        path = tmp_path / "prompts.json"
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.mark.weights
def test_a_box_brings_the_object_in_it(asked):
    photo, disc, square = still_life()
    boxes = asked({"ball": [40, 80, 140, 180], "crate": [185, 85, 275, 175]})
    regions = {region.name: region for region in SamSegmenter(boxes=boxes)(photo)}
    assert iou(regions["ball"].visible, disc) > 0.9
    assert iou(regions["crate"].visible, square) > 0.9


@pytest.mark.weights
def test_a_point_brings_the_object_under_it(asked):
    photo, disc, square = still_life()
    points = asked({"ball": [[90, 130, 1]], "crate": [[230, 130, 1], [90, 130, 0]]})
    regions = {region.name: region for region in SamSegmenter(points=points)(photo)}
    assert iou(regions["ball"].visible, disc) > 0.9
    assert iou(regions["crate"].visible, square) > 0.9


@pytest.mark.weights
def test_without_prompts_the_objects_are_found_and_the_floor_is_not():
    photo, disc, square = still_life()
    seen = []
    regions = SamSegmenter(samples=24, progress=lambda *step: seen.append(step))(photo)
    assert [region.name for region in regions] == ["object-1", "object-2"]
    best = [max(iou(region.visible, truth) for region in regions) for truth in (disc, square)]
    assert min(best) > 0.9
    assert seen[-1][1] == seen[-1][2] > 0


@pytest.mark.weights
def test_a_large_photo_gives_masks_of_its_own_size(asked):
    photo, disc, _ = still_life(scale=8)
    (region,) = SamSegmenter(boxes=asked({"ball": [320, 640, 1120, 1440]}))(photo)
    assert region.visible.shape == (1920, 2560)
    assert iou(region.visible[::8, ::8], disc) > 0.9


@pytest.mark.weights
def test_the_packaged_network_outlines_what_text_names(networks):
    photo, _, _ = still_life()
    detector = GroundingDino(networks.grounding_dino, threshold=0.01)  # tiny: boxes anywhere
    regions = SamSegmenter(text="ball . crate", detector=detector)(photo)
    assert regions
    assert {region.name.partition("-")[0] for region in regions} <= {"ball", "crate"}


@pytest.mark.weights
def test_two_boxes_on_one_object_are_refused(asked):
    photo, _, _ = still_life()
    twice = asked({"a": [40, 80, 140, 180], "b": [40, 80, 140, 180]})
    with pytest.raises(InputError, match="object of its own"):
        SamSegmenter(boxes=twice)(photo)


def test_boxes_and_points_at_once_are_refused():
    with pytest.raises(InputError, match="got both"):
        SamSegmenter(boxes="a.json", points="b.json")(Photo(torch.rand(8, 8, 3)))
    with pytest.raises(InputError, match="samples"):
        SamSegmenter(samples=0)(Photo(torch.rand(8, 8, 3)))


def test_weights_that_are_missing_name_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("REPARO_HOME", str(tmp_path))
    with pytest.raises(MissingWeights, match="reparo models pull"):
        SamSegmenter()(Photo(torch.rand(8, 8, 3)))


class Recorder:
    """A stand-in for the decoder that keeps what it was fed."""

    def run(self, _, feed):
        import numpy as np

        self.feed = feed
        logits = np.linspace(-1, 1, LOW, dtype=np.float32) * np.ones((1, 4, LOW, 1), np.float32)
        return logits, np.array([[1.2, 0.5, -0.1, 0.9]], np.float32)


def test_prompts_reach_the_decoder_in_its_frame_and_answers_come_back_without_padding():
    """A photo 400 wide and 200 high fills the upper half of the frame of 1,024."""
    decoder = Recorder()
    view = PackagedView((200, 400), torch.zeros(1).numpy(), decoder)
    answer = view.ask_points([(400.0, 200.0)], [True])
    assert decoder.feed["point_coords"].tolist() == [[[1024, 512], [0, 0]]]
    assert decoder.feed["point_labels"].tolist() == [[1, -1]]
    assert answer.logits.shape == (4, 128, 256)
    assert answer.scores.tolist() == pytest.approx([1, 0.5, 0, 0.9])
    view.ask_box((100.0, 50.0, 200.0, 100.0))
    assert decoder.feed["point_coords"].tolist() == [[[256, 128], [512, 256]]]
    assert decoder.feed["point_labels"].tolist() == [[2, 3]]
    mask = at_size(answer.logits[0], view.size)
    assert mask.shape == (200, 400)
    assert not mask[:, :195].any()
    assert mask[:, 205:].all()
