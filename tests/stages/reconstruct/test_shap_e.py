"""Shap-E: a tiny network that draws a known body, and random ones."""

import math
import shutil

import numpy as np
import pytest
import torch
from tiny_diffusion import HALF_AXES, write_shap_e

from reparo import contracts
from reparo.errors import InputError, MissingWeights
from reparo.scene import Cutout
from reparo.stages.reconstruct.shap_e import backend
from reparo.stages.reconstruct.shap_e.backend import ShapEReconstructor
from reparo.stages.reconstruct.shap_e.field import Cutting, cut

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def body(tmp_path_factory):
    return write_shap_e(tmp_path_factory.mktemp("body") / "shap-e")


@pytest.fixture(scope="module")
def chance(tmp_path_factory):
    return write_shap_e(tmp_path_factory.mktemp("chance") / "shap-e", half_axes=None)


def cutout() -> Cutout:
    visible = torch.zeros(40, 40, dtype=torch.bool)
    visible[5:35, 10:30] = True
    rgba = torch.cat([torch.rand(40, 40, 3), visible[..., None].double()], -1)
    return Cutout(rgba, visible, torch.tensor([[1.0, 0.0, 7.0], [0.0, 1.0, 3.0]]))


def reconstructor(folder, **settings) -> ShapEReconstructor:
    return ShapEReconstructor(weights=folder, **{"steps": 2, "resolution": 48, **settings})


def test_the_body_stands_in_the_objects_frame(body):
    """Right stays right, up comes from z, and the front (+z) is where -y was."""
    mesh = reconstructor(body, turned=False)(cutout(), "thing")
    right, deep, up = HALF_AXES
    expected = torch.tensor([right, up, deep]) / (2 * deep)  # the longest side is 1
    torch.testing.assert_close(mesh.bounds[1], expected, atol=0.01, rtol=0)
    torch.testing.assert_close(mesh.bounds[0], -expected, atol=0.01, rtol=0)
    wanted = {0: (0, 1), 1: (2, 1), 2: (1, -1)}  # of our axes: the field's, and its sign
    for ours, (theirs, sign) in wanted.items():
        along = torch.corrcoef(torch.stack([mesh.vertices[:, ours], mesh.colours[:, theirs]]))[0, 1]
        assert sign * along > 0.97


def test_colours_are_the_fields_own(body):
    mesh = reconstructor(body, turned=False)(cutout(), "thing")
    places = mesh.vertices * 2 * HALF_AXES[1]  # the cube's units
    expected = torch.sigmoid(4 * torch.stack([places[:, 0], -places[:, 2], places[:, 1]], -1))
    torch.testing.assert_close(mesh.colours[:, :3], expected, atol=2e-3, rtol=0)


def test_one_seed_is_one_latent(chance, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        backend,
        "field_of",
        lambda renderer, latent: drawn.append(latent) or (lambda points: ball(points)),
    )
    picture = cutout()
    for seed in (1, 1, 2):
        reconstructor(chance, seed=seed, resolution=16, turned=False)(picture, "thing")
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    other = cutout()
    reconstructor(chance, seed=1, resolution=16, turned=False)(other, "thing")
    assert not torch.equal(drawn[0], drawn[3])  # the picture counts too


def ball(points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return 0.5 - points.norm(dim=-1), torch.full_like(points, 0.25)


def test_the_surface_is_where_the_distance_is_0():
    found = cut(ball, Cutting(resolution=40), CPU)
    radius = np.linalg.norm(found.vertices, axis=1)
    assert abs(radius - 0.5).max() < 2e-3
    np.testing.assert_allclose(found.colours, 0.25)


def test_a_body_that_leaves_the_cube_is_closed_at_its_border():
    found = cut(lambda points: (1.2 - points.norm(dim=-1), points * 0), Cutting(resolution=24), CPU)
    edges = np.sort(found.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    _, count = np.unique(edges, axis=0, return_counts=True)
    assert (count == 2).all()


def test_an_empty_field_is_told(chance, monkeypatch):
    empty = lambda points: (points[:, 0] * 0 - 1, points * 0)  # noqa: E731
    monkeypatch.setattr(backend, "field_of", lambda renderer, latent: empty)
    with pytest.raises(InputError, match="saw nothing"):
        reconstructor(chance)(cutout(), "thing")


def test_with_less_memory_the_mesh_is_coarser(body):
    one = reconstructor(body, resolution=128)
    assert isinstance(one, contracts.Shrinkable) and isinstance(one, contracts.Closeable)
    less = one.smaller()
    assert less is not None and less.resolution == 64 and less.chunk < one.chunk
    assert less.smaller() is None
    assert math.isclose(float(less(cutout(), "thing").bounds[1].max()), 0.5)
    less.close()
    assert len(less(cutout(), "thing").faces)


@pytest.mark.parametrize("settings", [{"steps": 0}, {"resolution": 4}, {"chunk": 0}])
def test_settings_that_cannot_be_are_refused(body, settings):
    with pytest.raises(InputError, match="Shap-E needs"):
        reconstructor(body, **settings)(cutout(), "thing")


def test_a_folder_that_is_no_shap_e_is_told(body, tmp_path):
    with pytest.raises(MissingWeights):
        reconstructor(tmp_path / "nowhere")(cutout(), "thing")
    with pytest.raises(InputError, match="no model_index"):
        reconstructor(tmp_path)(cutout(), "thing")
    folder = shutil.copytree(body, tmp_path / "spoilt")
    for file in (folder / "prior").glob("*.safetensors"):
        file.rename(file.with_suffix(".bin"))
    with pytest.raises(InputError, match="prior"):
        reconstructor(folder)(cutout(), "thing")
