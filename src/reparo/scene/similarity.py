"""Rotations, translations and scales: where an object stands."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


def cross_matrix(vector: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """The matrix whose product with another vector is their cross product."""
    return (vector @ CROSS.to(vector)).unflatten(-1, (3, 3))


CROSS = torch.tensor(
    [[0, 0, 0, 0, 0, -1, 0, 1, 0], [0, 0, 1, 0, 0, 0, -1, 0, 0], [0, -1, 0, 1, 0, 0, 0, 0, 0]],
)  # of x, y and z


def quaternion_to_matrix(wxyz: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """Turns unit quaternions (w, v), real part first, into rotation matrices.

    1 + 2 w [v] + 2 [v]^2, where [v] is v's cross matrix (Rodrigues); few operations, since an
    aligner asks for thousands.
    """
    cross = cross_matrix(wxyz[..., 1:])
    turn = wxyz[..., :1, None] * cross + cross @ cross
    return torch.eye(3, dtype=wxyz.dtype, device=wxyz.device) + 2 * turn


def matrix_to_quaternion(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 4"]:
    """Turns rotation matrices into unit quaternions with a real part that is not negative.

    Of the four ways to divide, each row below, the one with the largest divisor is taken
    (Shepperd 1978), so that no rotation is near a division by zero.
    """
    (a, b, c), (d, e, f), (g, h, i) = (row.unbind(-1) for row in matrix.unbind(-2))
    candidates = torch.stack(
        [
            torch.stack([1 + a + e + i, h - f, c - g, d - b], -1),
            torch.stack([h - f, 1 + a - e - i, b + d, c + g], -1),
            torch.stack([c - g, b + d, 1 - a + e - i, f + h], -1),
            torch.stack([d - b, c + g, f + h, 1 - a - e + i], -1),
        ],
        -2,
    )  # [*batch, 4, 4]; each row is the quaternion times 4 of its own component
    best = candidates.diagonal(dim1=-2, dim2=-1).argmax(-1)
    index = best[..., None, None].expand(*best.shape, 1, 4)
    wxyz = torch.nn.functional.normalize(candidates.gather(-2, index).squeeze(-2), dim=-1)
    return torch.where(wxyz[..., :1] < 0, -wxyz, wxyz)


def axis_angle_to_matrix(vector: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Turns rotation vectors (axis times angle in radians) into rotation matrices."""
    return torch.linalg.matrix_exp(cross_matrix(vector))


def quaternion_product(
    a: Float[Tensor, "*batch 4"], b: Float[Tensor, "*batch 4"]
) -> Float[Tensor, "*batch 4"]:
    """The rotation b followed by the rotation a."""
    real = a[..., :1] * b[..., :1] - (a[..., 1:] * b[..., 1:]).sum(-1, keepdim=True)
    rest = a[..., :1] * b[..., 1:] + b[..., :1] * a[..., 1:]
    return torch.cat([real, rest + torch.linalg.cross(a[..., 1:], b[..., 1:])], -1)


@dataclass(frozen=True)
class Similarity:
    """x_b = scale * rotate(x_a) + translation."""

    wxyz: Float[Tensor, "*batch 4"]  # unit quaternion, real part first
    translation: Float[Tensor, "*batch 3"]  # units of frame b
    scale: Float[Tensor, "*batch"]  # units of b per unit of a, > 0

    @classmethod
    def identity(cls, *batch: int) -> "Similarity":
        """Changes nothing."""
        wxyz = torch.zeros(*batch, 4)
        wxyz[..., 0] = 1
        return cls(wxyz, torch.zeros(*batch, 3), torch.ones(batch))

    @classmethod
    def stack(cls, parts: "list[Similarity]") -> "Similarity":
        """One batch of several."""
        return cls(
            torch.stack([part.wxyz for part in parts]),
            torch.stack([part.translation for part in parts]),
            torch.stack([part.scale for part in parts]),
        )

    @property
    def matrix(self) -> Float[Tensor, "*batch 3 3"]:
        """The rotation alone."""
        return quaternion_to_matrix(self.wxyz)

    def __getitem__(self, index: int) -> "Similarity":
        return Similarity(self.wxyz[index], self.translation[index], self.scale[index])

    def rotate(self, points: Float[Tensor, "*batch n 3"]) -> Float[Tensor, "*batch n 3"]:
        """Rotates points or directions."""
        return points @ self.matrix.mT

    def apply(self, points: Float[Tensor, "*batch n 3"]) -> Float[Tensor, "*batch n 3"]:
        """Brings points of frame a to frame b."""
        return self.scale[..., None, None] * self.rotate(points) + self.translation[..., None, :]

    def inverse(self) -> "Similarity":
        """The way back: a_from_b."""
        wxyz = self.wxyz * self.wxyz.new_tensor([1, -1, -1, -1])
        moved = (quaternion_to_matrix(wxyz) @ self.translation[..., None])[..., 0]
        return Similarity(wxyz, -moved / self.scale[..., None], 1 / self.scale)

    def __matmul__(self, first: "Similarity") -> "Similarity":
        """c_from_b @ b_from_a is c_from_a."""
        turned = (self.matrix @ first.translation[..., None])[..., 0]
        return Similarity(
            quaternion_product(self.wxyz, first.wxyz),
            self.scale[..., None] * turned + self.translation,
            self.scale * first.scale,
        )
