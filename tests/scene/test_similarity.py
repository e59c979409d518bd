"""Laws of similarities."""

import pytest
import torch

from reparo.scene import (
    Similarity,
    axis_angle_to_matrix,
    matrix_to_quaternion,
    quaternion_to_matrix,
)


@pytest.fixture
def random_similarity() -> Similarity:
    wxyz = torch.nn.functional.normalize(torch.randn(5, 4), dim=-1)
    return Similarity(wxyz, torch.randn(5, 3), torch.rand(5) + 0.5)


def test_inverse_undoes(random_similarity):
    points = torch.randn(5, 7, 3)
    there = random_similarity.apply(points)
    torch.testing.assert_close(random_similarity.inverse().apply(there), points)


def test_product_applies_the_right_one_first(random_similarity):
    other = Similarity.stack([random_similarity[i] for i in (4, 3, 2, 1, 0)])
    points = torch.randn(5, 7, 3)
    torch.testing.assert_close(
        (random_similarity @ other).apply(points), random_similarity.apply(other.apply(points))
    )


def test_quaternions_survive_the_way_through_matrices():
    wxyz = torch.nn.functional.normalize(torch.randn(200, 4), dim=-1)
    wxyz = torch.where(wxyz[:, :1] < 0, -wxyz, wxyz)
    torch.testing.assert_close(matrix_to_quaternion(quaternion_to_matrix(wxyz)), wxyz)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_half_turns_have_a_quaternion(axis):
    vector = torch.zeros(3)
    vector[axis] = torch.pi
    matrix = axis_angle_to_matrix(vector)
    torch.testing.assert_close(quaternion_to_matrix(matrix_to_quaternion(matrix)), matrix)


def test_a_quarter_turn_about_y_brings_z_to_x():
    matrix = axis_angle_to_matrix(torch.tensor([0.0, torch.pi / 2, 0.0]))
    torch.testing.assert_close(matrix @ torch.tensor([0.0, 0.0, 1.0]), torch.tensor([1.0, 0, 0]))
