"""The paper's aligner: its loss, its gradients, and that it brings objects home."""

from dataclasses import replace

import pytest
import torch
import trimesh

from reparo import registry
from reparo.errors import InputError
from reparo.layout import AlignSettings, align
from reparo.layout.devices import moved_to
from reparo.layout.paper import ELSE, PaperSearch, start_layout
from reparo.layout.paper_loss import PixelCost, feature_loss, matched
from reparo.layout.paper_settings import PaperSettings
from reparo.scene import (
    Camera,
    Depth,
    Mesh,
    Observation,
    Photo,
    Problem,
    Region,
    Scene,
    Similarity,
    Start,
)

BOTH = ("translation", "scale")
TRUE = Similarity(
    torch.tensor([[1.0, 0, 0, 0]] * 2),
    torch.tensor([[-0.4, -0.3, 0.1], [0.4, 0.3, -0.1]]),
    torch.tensor([0.4, 0.4]),
)


def colour_features(rgb):
    """Mean colours of 4 x 4 patches: a stand-in that moves nothing it does not see."""
    planes = rgb.movedim(-1, 0)[None]
    return torch.nn.functional.avg_pool2d(planes, rgb.shape[0] // 8)[0].movedim(0, -1)


def two_objects(render, camera=None) -> Problem:
    """A red ball and a blue box, seen as they truly stand, on white."""
    solids = [
        trimesh.creation.icosphere(subdivisions=2, radius=0.5),
        trimesh.creation.box((1.0, 1.0, 0.8)),
    ]
    meshes = []
    for solid, rgb in zip(solids, ([0.8, 0.2, 0.1, 1.0], [0.1, 0.2, 0.8, 1.0]), strict=True):
        plain = Mesh.plain(torch.tensor(solid.vertices), torch.tensor(solid.faces))
        meshes.append(replace(plain, colours=torch.tensor(rgb).expand(len(plain.vertices), 4)))
    eye = replace(Similarity.identity(), translation=torch.tensor([0.0, 0.0, 2.0]))
    camera = camera or Camera.from_fov(49.1, (32, 32), eye)
    true = Similarity(*(part.double() for part in vars(TRUE).values()))
    scene = Scene(("ball", "box"), tuple(meshes), true, camera)
    seen, exact = render(scene, samples=3), render(scene)
    known = exact.coverage > 0
    depth = Depth(torch.where(known, exact.depth, 0.0), known, "metric")
    regions = tuple(Region(name, exact.object_index == i) for i, name in enumerate(scene.names))
    starts = tuple(Start(wxyz) for wxyz in true.wxyz)
    photo = Photo((seen.rgb + 1 - seen.coverage[..., None]).clamp(0, 1))
    observation = Observation(photo, regions, depth)
    return Problem(scene.names, scene.meshes, camera, observation, starts)


def apart(sideways: float) -> Similarity:
    """Far from where they belong, so that no render touches its own target."""
    shift = torch.tensor([[0.0, sideways, 0.0], [0.0, -sideways, 0.0]])
    return Similarity(TRUE.wxyz.double(), (TRUE.translation + shift).double(), TRUE.scale.double())


def searched(problem, render, start, features=None, free=BOTH, **settings):
    chosen = PaperSettings(**{"semantic": 0.0, "match_size": 20} | settings)
    return PaperSearch(problem, free, chosen, render, features).run(start)


def sideways_error(layout) -> float:
    return (layout.translation - TRUE.translation)[:, :2].norm(dim=1).max().item()


def test_transport_brings_home_what_pixels_leave_where_it_is(render):
    problem, start = two_objects(render), apart(0.7)
    moved = searched(problem, render, start, steps=90, free=("translation",))
    left = searched(problem, render, start, steps=90, free=("translation",), loss="pixels")
    assert sideways_error(moved.layout) < 0.08
    assert sideways_error(left.layout) > 0.4


@pytest.mark.parametrize("cost", ["norms", "squared"])
def test_from_the_origin_the_loss_falls_and_the_best_is_kept(render, cost):
    found = searched(two_objects(render), render, None, steps=30, cost=cost)
    assert found.curve[-1] < 0.8 * found.curve[0]
    assert found.loss == min(found.curve)
    assert set(found.terms) == {"colour", "depth", "position"}
    assert "30 steps" in found.stopped


def test_at_the_true_layout_nothing_is_lost(render):
    start = apart(0.0)
    found = searched(two_objects(render), render, start, steps=1, match_size=32, samples=3)
    assert found.loss < 0.01
    assert sideways_error(found.layout) < 0.03


@pytest.mark.parametrize("kind", ["norm", "mse", "cosine"])
def test_the_semantic_loss_alone_moves_an_object(render, kind):
    """Its gradient reaches the pose: with everything else off, a near object is drawn in."""
    problem = two_objects(render)
    found = searched(
        problem, render, apart(0.12), colour_features, semantic=1.0, feature_loss=kind,
        steps=24, picture_size=32,
    )  # fmt: skip
    assert sideways_error(found.layout) < 0.08
    assert found.terms["semantic"] >= 0


def test_the_semantic_gradient_agrees_with_central_differences(render):
    problem, start = two_objects(render), apart(0.1)
    settings = PaperSettings(semantic=1.0, picture_size=32, match_size=16, samples=4)
    search = PaperSearch(problem, BOTH, settings, render, colour_features)

    def layout(place, growth):
        return Similarity(start.wxyz, place, start.scale * growth.exp())

    place = start.translation.clone().requires_grad_()
    growth = torch.zeros(2, requires_grad=True)
    search.refresh(layout(place, growth))
    loss, _ = search.loss(layout(place, growth), 0)
    slopes = torch.cat([part.flatten() for part in torch.autograd.grad(loss, (place, growth))])

    def drawn_loss(by):
        at = layout(start.translation + by[:6].view(2, 3), by[6:])
        seen = render(Scene(problem.names, problem.meshes, at, search.large.camera), samples=8)
        rgb = seen.rgb + 1 - seen.coverage[..., None]
        return feature_loss(colour_features(rgb), search.wanted, "norm").item()

    steps = torch.eye(8) * 0.012
    differences = torch.tensor([(drawn_loss(s) - drawn_loss(-s)) / 0.024 for s in steps])
    assert torch.cosine_similarity(slopes, differences, 0) > 0.98
    assert 0.9 < slopes.norm() / differences.norm() < 1.1


def test_what_is_not_free_stays(render):
    start = apart(0.3)
    found = searched(two_objects(render), render, start, steps=6, free=("translation",))
    torch.testing.assert_close(found.layout.scale, start.scale)
    torch.testing.assert_close(found.layout.wxyz, start.wxyz)


def test_rotation_is_refused(render):
    with pytest.raises(InputError, match="leaves rotations"):
        PaperSearch(two_objects(render), ("rotation",), PaperSettings(semantic=0.0), render)


def test_without_features_the_semantic_loss_is_refused(render):
    settings = AlignSettings(method="paper")
    with pytest.raises(InputError, match=r"align\.paper\.semantic = 0"):
        align(two_objects(render), settings, render)


def test_align_answers_in_full(render):
    settings = AlignSettings(
        method="paper", paper=PaperSettings(steps=6, semantic=0.0, match_size=16)
    )
    told = []
    solution = align(two_objects(render), settings, render, lambda *progress: told.append(progress))
    assert solution.method == "paper"
    assert told[-1] == ("paper", 6, 6)
    assert {"draw", "match", "descend", "judge"} == set(solution.seconds)
    assert all("paper_position" in report.losses for report in solution.objects)
    again = align(two_objects(render), settings, render)
    torch.testing.assert_close(again.layout.translation, solution.layout.translation)


@pytest.mark.parametrize(("away", "expected"), [(2.0, 0.0), (0.2, 0.2 - ELSE), (30.0, 30 - ELSE)])
def test_the_start_is_the_origin_if_that_is_in_sight(render, away, expected):
    eye = replace(Similarity.identity(), translation=torch.tensor([0.0, 0.0, away]))
    problem = replace(two_objects(render), camera=Camera.from_fov(49.1, (32, 32), eye))
    start = start_layout(problem)
    torch.testing.assert_close(start.translation[:, 2], torch.full((2,), expected))
    assert (start.scale == 1).all()
    given = replace(problem.starts[0], translation=torch.tensor([1.0, 2, 3]), scale=0.5)
    start = start_layout(replace(problem, starts=(given, problem.starts[1])))
    torch.testing.assert_close(start.translation[0], torch.tensor([1.0, 2, 3]))
    assert start.scale.tolist() == [0.5, 1.0]


@pytest.mark.parametrize("squared", [False, True])
def test_equal_clouds_stay_and_a_recoloured_pixel_pays_its_colour(squared):
    settings = PaperSettings(cost="squared" if squared else "norms")
    cost = PixelCost.of(settings, has_depth=True)
    cloud = torch.rand(40, 6)
    torch.testing.assert_close(matched(cost.solver(settings), cloud, cloud), cloud)
    other = cloud.clone()
    other[:, 0] += 0.2
    terms = cost.terms(cloud, other)
    torch.testing.assert_close(
        terms["colour"], torch.full((40,), 0.02 if squared else 0.2), atol=1e-3, rtol=0
    )
    assert terms["depth"].abs().max() < 1e-9
    torch.testing.assert_close(cost(cloud, other).diagonal(), terms["colour"], atol=2e-4, rtol=0)


def test_every_tensor_of_a_problem_is_moved(render):
    moved = moved_to(two_objects(render), "meta")
    assert moved.meshes[1].vertices.device.type == "meta"
    assert moved.camera.camera_from_world.wxyz.device.type == "meta"
    assert moved.observation.regions[0].visible.device.type == "meta"
    assert moved.names == ("ball", "box")


@pytest.mark.parametrize(
    "wrong", [{"semantic": 2.0}, {"steps": 0}, {"scaling": 1.0}, {"depth": -1.0}]
)
def test_wrong_paper_settings_are_refused(wrong):
    with pytest.raises(InputError, match=rf"align\.paper\.{next(iter(wrong))}"):
        PaperSettings(**wrong)


@pytest.mark.gpu
def test_a_gpu_gives_what_the_cpu_gives(render):
    problem, start = two_objects(render), apart(0.3)
    here = searched(problem, render, start, steps=12)
    there = searched(moved_to(problem, "cuda"), render, moved_to(start, "cuda"), steps=12)
    torch.testing.assert_close(moved_to(there.layout, "cpu").translation, here.layout.translation)


@pytest.mark.weights
def test_the_real_network_lowers_the_semantic_loss(render):
    features = registry.create("features", "vit", size=112)
    found = searched(
        two_objects(render), render, apart(0.15), features, semantic=1.0, steps=18, picture_size=64
    )
    assert sideways_error(found.layout) < 0.15
