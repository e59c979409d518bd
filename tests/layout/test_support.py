"""On top or behind: told by the picture, and kept."""

import numpy as np
import pytest
import torch

from reparo.evaluate.made_up import Hints, observe, to_problem
from reparo.evaluate.metrics import free_factor, grown, pose_errors, surface_points
from reparo.evaluate.room import framing_camera, placed
from reparo.evaluate.shapes import made_up_mesh
from reparo.layout import AlignSettings, align
from reparo.layout.support import supporters_seen
from reparo.layout.unknowns import Unknowns
from reparo.layout.view import look, view_at
from reparo.scene import Observation, Scene, Similarity

TABLE, MUG, BEHIND = range(3)


@pytest.fixture(scope="module")
def stacked() -> tuple[Scene, Observation]:
    """A mug on a crate, and a vase on the floor behind the crate."""
    from reparo import registry

    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    render = registry.create("render", "torch")
    rng = np.random.default_rng(5)
    meshes = tuple(made_up_mesh(kind, rng) for kind in ("crate", "mug", "vase"))
    bottoms = [mesh.bounds[0, 1].item() for mesh in meshes]
    top = meshes[0].bounds[1, 1].item() - bottoms[0]
    scale = torch.tensor([1.0, 0.4, 1.3])
    translation = torch.tensor(
        [
            [0.0, -bottoms[0], 0.0],
            [0.1, top - 0.4 * bottoms[1], 0.1],
            [0.5, -1.3 * bottoms[2], -1.2],
        ]
    )
    wxyz = torch.tensor([[1.0, 0, 0, 0]]).repeat(3, 1)
    layout = Similarity(wxyz, translation, scale)
    camera = framing_camera(placed(meshes, layout), 45.0, 0.35, 0.2, (192, 256))
    scene = Scene(("crate", "mug", "vase"), meshes, layout, camera)
    seen = observe(scene, render, rng)
    torch.set_default_dtype(previous)
    return scene, seen


def test_the_picture_tells_who_stands_on_whom(stacked, render):
    scene, observation = stacked
    problem = to_problem(scene, observation, Hints(None, "supported"))
    sight = look(problem, Unknowns(scene.layout), view_at(problem, 256), render)
    assert supporters_seen(sight) == (None, TABLE, None)


@pytest.mark.parametrize("kind", ["metric", "disparity", None])
def test_what_stands_on_top_stays_there(stacked, render, kind):
    scene, observation = stacked
    problem = to_problem(scene, observation, Hints(kind, "supported"))
    solution = align(problem, AlignSettings(), render)
    layout = solution.layout
    if kind != "metric":
        layout = grown(layout, free_factor(layout, scene.layout, scene.camera), scene.camera)
    for k, mesh in enumerate(scene.meshes):
        error = pose_errors(surface_points(mesh), layout[k], scene.layout[k], scene.camera)
        assert error.add < 0.04, scene.names[k]
    assert max(abs(report.gap) for report in solution.objects) < 0.01
    assert max(report.penetration for report in solution.objects) < 0.02
