import math

import pytest
import torch

from reparo import registry
from reparo.evaluate.made_up import made_up_scene
from reparo.evaluate.metrics import (
    MISSING,
    free_factor,
    grown,
    mask_iou,
    picture_errors,
    pose_errors,
    surface_points,
    turned,
)
from reparo.scene import Camera, Mesh, Similarity


def camera():
    return Camera.from_fov(60.0, (200, 300))


def pose(translation=(0.0, 0.0, -4.0), scale=1.0):
    return Similarity(
        torch.tensor([1.0, 0, 0, 0]), torch.tensor(list(translation)), torch.tensor(scale)
    )


def cube_points():
    """The corners of the unit cube, whose box has the diagonal sqrt(3)."""
    side = torch.tensor([-0.5, 0.5])
    return torch.cartesian_prod(side, side, side)


def test_the_truth_has_no_errors():
    errors = pose_errors(cube_points(), pose(), pose(), camera())
    assert (errors.add, errors.reproj, errors.turn, errors.scale) == (0, 0, 0, 0)
    assert errors.iou == pytest.approx(1)


def test_a_shift_costs_its_length_over_the_diagonal_and_its_share_of_the_picture():
    flat = cube_points()[cube_points()[:, 2] > 0]  # all at z = 3.5 in front
    errors = pose_errors(flat, pose((0.1, 0.0, -4.0)), pose(), camera())
    assert errors.add == pytest.approx(0.1 / math.sqrt(2))
    height = 2 * 3.5 * math.tan(math.radians(30))  # of the picture, at that distance
    assert errors.reproj == pytest.approx(100 * 0.1 / height)
    assert errors.turn == errors.scale == 0


def test_a_shift_by_half_a_side_leaves_a_third_of_the_boxes_union():
    errors = pose_errors(cube_points(), pose((0.5, 0.0, -4.0)), pose(), camera())
    assert errors.iou == pytest.approx(1 / 3)


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_scale_error_is_the_logarithm_of_the_ratio(factor):
    errors = pose_errors(cube_points(), pose(scale=factor), pose(), camera())
    assert errors.scale == pytest.approx(abs(math.log(factor)))
    assert errors.add == pytest.approx(abs(factor - 1) / 2)


def test_turn_is_the_angle_and_symmetry_forgives_only_its_own_turns():
    quarter, true = turned(pose(), math.pi / 2), pose()
    assert pose_errors(cube_points(), quarter, true, camera()).turn == pytest.approx(90)
    forgiven = pose_errors(cube_points(), quarter, true, camera(), yaw_symmetry=4)
    assert forgiven.turn == pytest.approx(0, abs=1e-6)
    assert forgiven.add == pytest.approx(0, abs=1e-12)
    tenth = turned(pose(), math.pi / 2 + math.radians(10))
    assert pose_errors(cube_points(), tenth, true, camera(), yaw_symmetry=4).turn == pytest.approx(
        10
    )


def test_errors_stop_at_the_value_of_a_missing_object():
    errors = pose_errors(cube_points(), pose((90.0, 0.0, -4.0), 50.0), pose(), camera())
    assert (errors.add, errors.reproj, errors.scale) == (
        MISSING.add,
        MISSING.reproj,
        MISSING.scale,
    )


def test_growing_about_the_camera_keeps_the_picture_and_is_found_again():
    eye = Similarity(torch.tensor([1.0, 0, 0, 0]), torch.tensor([1.0, 2, 3]), torch.tensor(1.0))
    view = Camera.from_fov(50.0, (100, 100), eye)
    layout = Similarity.stack([pose((0.0, 1.0, -4.0)), pose((2.0, 1.5, -6.0), 0.5)])
    larger = grown(layout, 1.7, view)
    before, z = view.project(layout.apply(cube_points().expand(2, 8, 3)))
    after, further = view.project(larger.apply(cube_points().expand(2, 8, 3)))
    torch.testing.assert_close(after, before)
    torch.testing.assert_close(further, 1.7 * z)
    assert free_factor(larger, layout, view) == pytest.approx(1 / 1.7)


def test_surface_points_are_even_by_area_and_repeat():
    corners = torch.tensor([[0.0, 0, 0], [3, 0, 0], [3, 1, 0], [0, 1, 0]])
    sheet = Mesh.plain(corners, torch.tensor([[0, 1, 2], [0, 2, 3]]))
    points = surface_points(sheet, 4000)
    assert float(points[:, 0].mean()) == pytest.approx(1.5, abs=0.05)
    torch.testing.assert_close(points, surface_points(sheet, 4000))
    assert not torch.equal(points, surface_points(sheet, 4000, seed=1))


def test_masks_overlap_by_their_shared_part():
    left, right = torch.zeros(2, 4, 6, dtype=torch.bool)
    left[:, :4], right[:, 2:] = True, True
    assert mask_iou(left, right) == pytest.approx(2 / 6)
    assert mask_iou(left & ~left, right & ~right) == 1


def test_the_true_scene_explains_its_own_picture_and_a_moved_one_does_not():
    render = registry.create("render", "torch")
    scene, seen = made_up_scene(0, render, objects=2, size=(64, 64), light=0.0)
    for errors in picture_errors(scene, seen, render):
        assert errors.mask_iou == 1
        assert errors.psnr > 18  # the photo is anti-aliased, the rendering is not
    aside = torch.tensor([0.3, 0.0, 0.0])
    layout = Similarity(scene.layout.wxyz, scene.layout.translation + aside, scene.layout.scale)
    moved = type(scene)(scene.names, scene.meshes, layout, scene.camera)
    assert all(errors.mask_iou < 0.9 for errors in picture_errors(moved, seen, render))
