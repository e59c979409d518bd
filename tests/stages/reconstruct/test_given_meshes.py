"""Meshes read from a folder."""

import pytest
import torch
import trimesh

from reparo.errors import InputError
from reparo.scene import Cutout
from reparo.stages.reconstruct.given import GivenReconstructor

CUTOUT = Cutout(torch.ones(4, 4, 4), torch.ones(4, 4, dtype=torch.bool), torch.eye(2, 3))


@pytest.mark.parametrize("suffix", ["glb", "obj", "ply"])
def test_the_mesh_of_that_name_is_read(tmp_path, suffix):
    trimesh.creation.box((1, 2, 3)).export(tmp_path / f"chair.{suffix}")
    mesh = GivenReconstructor(tmp_path)(CUTOUT, "chair")
    torch.testing.assert_close(mesh.bounds[1], torch.tensor([0.5, 1.0, 1.5]))


def test_a_missing_mesh_is_named(tmp_path):
    with pytest.raises(InputError, match="'lamp'"):
        GivenReconstructor(tmp_path)(CUTOUT, "lamp")
