"""Depth by our own network: what it is shown, how its map is made fine, and its doubts."""

import numpy as np
import pytest
import torch

from reparo.errors import MissingExtra, MissingWeights
from reparo.scene import Camera, Photo, Region, Similarity
from reparo.stages.depth import embedded
from reparo.stages.depth.edges import sharpened
from reparo.stages.depth.embedded import EmbeddedDepth
from reparo.stages.depth.network import CLUES, FINER, TOKENS, DepthNetwork, make_clues
from reparo.stages.vision.blocks import Attending


def box(size, rows, columns):
    mask = torch.zeros(size, dtype=torch.bool)
    mask[slice(*rows), slice(*columns)] = True
    return mask


class TestClues:
    def test_an_object_s_pixels_all_know_its_box(self):
        mask = box((40, 80), (10, 30), (20, 60))
        numbers = torch.stack([mask * 2, ~mask * 1])  # of two pictures
        clues = make_clues(torch.rand(2, 40, 80, 3), numbers)
        assert clues.shape == (2, CLUES, 40, 80)
        clues = clues[0]
        left, right, top, foot = clues[-4:]
        for values, expected in ((left, -0.4875), (right, 0.4875), (top, -0.2375), (foot, 0.2375)):
            assert values[mask].unique().tolist() == pytest.approx([expected])

    def test_elsewhere_they_are_the_pixel_s_own_place(self):
        clues = make_clues(torch.rand(1, 8, 8, 3), torch.zeros(1, 8, 8, dtype=torch.long))[0]
        x, y, inside, ends, left, right, top, foot = clues[3:]
        assert torch.equal(left, x) and torch.equal(right, x)
        assert torch.equal(top, y) and torch.equal(foot, y)
        assert not inside.any() and not ends.any()

    def test_the_longer_side_is_two_long_whichever_it_is(self):
        none = torch.zeros(1, 60, 20, dtype=torch.long)
        x, y = make_clues(torch.rand(1, 60, 20, 3), none)[0, 3:5]
        assert float(y.max() - y.min()) == pytest.approx(2 - 2 / 60)
        assert float(x.max() - x.min()) == pytest.approx(2 / 3 - 2 / 60)

    def test_a_mirrored_picture_has_mirrored_clues(self):
        rgb, number = torch.rand(1, 16, 24, 3), box((16, 24), (4, 9), (3, 10))[None].long()
        plain = make_clues(rgb, number)[0]
        mirrored = make_clues(rgb.flip(2), number.flip(2))[0].flip(2)
        assert torch.equal(mirrored[:3], plain[:3])
        assert torch.allclose(mirrored[3], -plain[3])
        assert torch.allclose(mirrored[7], -plain[8])  # left is right


class TestAttending:
    def test_a_place_hears_of_the_farthest_one(self):
        block = Attending(64, 2)
        maps = torch.rand(1, 64, 5, 7)
        other = maps.clone()
        other[:, ::2, -1, -1] += 1
        assert block(maps).shape == maps.shape
        assert not torch.allclose(block(maps)[..., 0, 0], block(other)[..., 0, 0])

    def test_it_does_not_care_where_places_lie(self):
        block, maps = Attending(32, 4), torch.rand(2, 32, 3, 4)
        assert torch.allclose(block(maps).flip(3), block(maps.flip(3)))


class TestEdges:
    def test_a_plane_stays_a_plane(self):
        row = (torch.arange(24) + 0.5) / 24
        coarse = row[:, None].expand(24, 24) + 2 * row
        fine = sharpened(coarse, torch.zeros(0, 192, 192, dtype=torch.bool))
        true = (torch.arange(192) + 0.5) / 192
        true = true[:, None] + 2 * true
        assert torch.allclose(fine[8:-8, 8:-8], true[8:-8, 8:-8], atol=1e-5)

    @pytest.mark.parametrize("rows, columns", [((40, 120), (50, 100)), ((33, 39), (41, 44))])
    def test_nothing_mixes_across_an_outline(self, rows, columns):
        mask = box((192, 192), rows, columns)
        share = torch.nn.functional.interpolate(mask[None, None].float(), (24, 24), mode="area")
        coarse = torch.where(share[0, 0] > 0, 5.0, 1.0)  # as a network that sees coarsely
        fine = sharpened(coarse, mask[None])
        assert torch.allclose(fine[mask], torch.tensor(5.0))
        assert torch.allclose(fine[~mask][fine[~mask] < 4], torch.tensor(1.0), atol=0.2)

    def test_a_mask_of_one_pixel_and_one_of_all(self):
        for mask in (box((30, 30), (7, 8), (9, 10)), box((30, 30), (0, 30), (0, 30))):
            assert sharpened(torch.rand(5, 5), mask[None]).isfinite().all()


class TestNetwork:
    @pytest.mark.parametrize("rows, columns", [(24, 24), (24, 13), (1, 3)])
    def test_it_says_four_pixels_a_patch(self, rows, columns):
        network = DepthNetwork((64, 32, 16), rounds=2).float().eval()
        tokens = torch.rand(1, TOKENS, rows, columns).float()
        clues = torch.rand(1, CLUES, rows * FINER, columns * FINER).float()
        assert network(tokens, clues).shape == (1, 4 * rows, 4 * columns)


@pytest.fixture
def camera():
    turn, place = torch.tensor([1.0, 0, 0, 0]), torch.tensor([0.0, 1, 0])
    identity = Similarity(turn, place, torch.tensor(1.0))
    return Camera.from_fov(50.0, (96, 128), identity)


def floor_with_a_box():
    """A grey floor under a paler wall, and a box whose foot is at row 80."""
    picture = np.full((96, 128, 3), 200, np.uint8)
    picture[40:] = np.linspace(90, 140, 56)[:, None, None].astype(np.uint8)
    picture[50:80, 40:70] = (150, 60, 40)
    region = Region("box", box((96, 128), (50, 80), (40, 70)))
    return Photo.from_array(picture), region


@pytest.mark.weights
class TestWithItsWeights:
    @pytest.fixture(autouse=True)
    def network(self):
        try:
            embedded.packaged("cpu")
        except (MissingWeights, MissingExtra) as error:
            pytest.skip(str(error))

    def test_the_floor_comes_nearer_downwards(self, camera):
        photo, region = floor_with_a_box()
        depth = EmbeddedDepth(device="cpu")(photo, camera, [region])
        assert depth.kind == "disparity" and depth.values.shape == photo.size
        rows = depth.values[45:, :30].mean(1)
        assert (rows.diff() > 0).double().mean() > 0.9

    def test_a_mirrored_photo_has_the_mirrored_map(self, camera):
        photo, region = floor_with_a_box()
        plain = EmbeddedDepth(device="cpu")(photo, camera, [region]).values
        mirrored = EmbeddedDepth(device="cpu")(
            Photo(photo.rgb.flip(1)), camera, [Region("box", region.visible.flip(1))]
        ).values
        assert torch.allclose(mirrored.flip(1), plain, atol=1e-3)

    def test_doubt_is_said_in_words(self, camera):
        said = []
        photo, region = floor_with_a_box()
        EmbeddedDepth(device="cpu", most_unsure=0.0, note=said.append)(photo, camera, [region])
        assert len(said) == 1 and "unsure" in said[0]
        EmbeddedDepth(device="cpu", most_unsure=9.0, note=said.append)(photo, camera, [region])
        assert len(said) == 1
