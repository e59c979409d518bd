"""Cut-outs from beside the picture's middle: meshes made from them can lie on the photo again."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from reparo.pipeline.world import facing_rotation
from reparo.scene import Camera, Cutout, Similarity, quaternion_to_matrix
from reparo.stages.reconstruct.inflate import InflateReconstructor
from reparo.stages.reconstruct.off_axis import focal_in_sides, straight_on

SIZE = (600, 900)


def camera() -> Camera:
    tilt = torch.tensor([np.cos(0.2), -np.sin(0.2), 0.0, 0.0])
    return Camera.from_fov(60.0, SIZE, Similarity(tilt, torch.zeros(3), torch.tensor(1.0)))


def cutout(left: float, top: float, side: float = 160.0) -> Cutout:
    """A square of the photo, 64 px a side, with a disc in it."""
    y, x = np.mgrid[:64, :64] + 0.5
    seen = torch.from_numpy(np.hypot(x - 32, y - 32) < 26)
    rgba = torch.cat([torch.full((64, 64, 3), 0.5), seen[..., None].double()], -1)
    placing = torch.tensor([[side / 64, 0.0, left], [0.0, side / 64, top]])
    middle = (SIZE[1] / 2, SIZE[0] / 2)
    return Cutout(rgba, seen, placing, focal=camera().focal, principal=middle)


def in_photo(points: torch.Tensor, one: Cutout) -> torch.Tensor:
    """Pixels of points of the frame that faces the eye, which is at z = 0; unit the distance."""
    turned = quaternion_to_matrix(facing_rotation(camera(), one))
    in_camera = points @ (camera().world_from_camera.matrix.T @ turned).T
    pixels = in_camera[:, :2] / -in_camera[:, 2:] * one.focal * torch.tensor([1.0, -1.0])
    return pixels + torch.tensor([SIZE[1] / 2, SIZE[0] / 2])


@pytest.mark.parametrize("corner", [(370, 220), (0, 0), (740, 440), (10, 250)])
def test_points_lie_on_the_rays_of_their_pixels(corner):
    one, offsets = cutout(*corner), np.random.default_rng(0).uniform(-0.5, 0.5, (50, 2))
    focal = focal_in_sides(one)
    seen = torch.from_numpy(straight_on(offsets, one)) / focal
    found = in_photo(torch.cat([seen, -torch.ones(50, 1)], 1), one)
    pixels = torch.from_numpy(64 * (0.5 + offsets * [1, -1]))
    there = pixels @ one.photo_from_cutout[:, :2].T + one.photo_from_cutout[:, 2]
    torch.testing.assert_close(found, there, atol=1e-6, rtol=0)


def test_in_the_middle_nothing_changes_and_sizes_stay_everywhere():
    offsets = np.random.default_rng(0).uniform(-0.5, 0.5, (400, 2))
    middle, corner = cutout(370, 220), cutout(0, 0)
    np.testing.assert_allclose(straight_on(offsets, middle), offsets, atol=1e-9)
    assert focal_in_sides(middle) == pytest.approx(middle.focal / 160)
    moved = straight_on(offsets, corner)
    area = np.linalg.det(np.linalg.lstsq(offsets, moved, rcond=None)[0])
    assert area == pytest.approx(1, abs=0.03)
    assert np.abs(moved - offsets).max() > 0.03


def test_where_lens_or_place_are_unknown_points_stay():
    offsets = np.array([[0.1, 0.2], [-0.3, 0.4]])
    one = cutout(0, 0)
    assert focal_in_sides(replace(one, focal=None)) is None
    for unknown in (replace(one, focal=None), replace(one, principal=None)):
        assert straight_on(offsets, unknown) is offsets
    assert focal_in_sides(replace(one, principal=None)) == pytest.approx(one.focal / 160)


def test_a_disc_from_the_side_is_as_round_when_seen_again():
    one = cutout(0, 220)

    def roundness(made_from: Cutout) -> float:
        """Of the picture of the disc's rim, where front and back meet: width by height."""
        rim = InflateReconstructor()(made_from, "disc").vertices
        rim = rim[rim[:, 2].abs() < 1e-3] - torch.tensor(
            [0.0, 0.0, focal_in_sides(one) / (52 / 64)]
        )
        pixels = in_photo(rim, one)
        across, down = pixels.max(0).values - pixels.min(0).values
        return float(across / down)

    assert roundness(one) == pytest.approx(1, abs=0.01)
    assert roundness(replace(one, principal=None)) > 1.05
