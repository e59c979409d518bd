"""The warped picture's gradient against central differences of pictures that are drawn anew."""

import itertools
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from render_shapes import draw, pose_at, quad, sphere, unit_box
from torch.nn.functional import avg_pool2d, conv2d, cosine_similarity

from reparo import registry
from reparo.evaluate.made_up import made_up_scene
from reparo.render.contour import contour_edges, contour_points
from reparo.render.renderer import TorchRenderer
from reparo.render.warp import WarpedPicture
from reparo.scene import Camera, Scene, Similarity, quaternion_product

RENDER = TorchRenderer()
SCENES = (1, 2, 4)
SIZE = (60, 80)
SAMPLES = 8  # rays a pixel and side of the warped picture, which sees edges to +- 1 / SAMPLES px
FINE = 24  # of the pictures that are drawn anew: a step is three samples
STEP = 1 / SAMPLES  # px: of the central differences, so that they see edges as coarsely
KEPT = Path(__file__).with_name("warp_differences.json")
LOSSES = {"pixels": 0, "outlines": 1, "features": 2}
TURN, SHIFT, GROWTH = slice(0, 3), slice(3, 6), slice(6, 7)
MOVES = {"all": slice(0, 7), "turn": TURN, "shift": SHIFT, "growth": GROWTH}


def moved(layout: Similarity, by: torch.Tensor) -> Similarity:
    """By a turn about its own origin, a shift and a growth; [n, 7], small."""
    turn = torch.cat([torch.ones_like(by[:, :1]), by[:, TURN] / 2], 1)
    turn = torch.nn.functional.normalize(turn, dim=1)
    return Similarity(
        quaternion_product(turn, layout.wxyz),
        layout.translation + by[:, SHIFT],
        layout.scale * by[:, 6].exp(),
    )


def features(rgb: torch.Tensor) -> torch.Tensor:
    """A fixed random convolutional network."""
    generator = torch.Generator().manual_seed(1)
    first = torch.randn(8, 3, 5, 5, generator=generator, dtype=rgb.dtype) / 9
    second = torch.randn(8, 8, 5, 5, generator=generator, dtype=rgb.dtype) / 14
    hidden = conv2d(rgb.movedim(-1, 0)[None], first, stride=2).tanh()
    return conv2d(hidden, second, stride=2)


class DrawnAnew:
    """Anti-aliased pictures of a scene in which one of two objects stands elsewhere."""

    def __init__(self, scene: Scene, samples: int):
        self.scene, self.samples = scene, samples
        self.fine = scene.camera.resized(
            (scene.camera.size[0] * samples, scene.camera.size[1] * samples)
        )
        self.layers = [self.layer(k, scene.layout) for k in range(2)]

    def layer(self, k: int, layout: Similarity) -> tuple[torch.Tensor, torch.Tensor]:
        """Colour and coverage, and depth, of an object alone, a pixel per sample."""
        one = draw(self.scene.meshes[k], Similarity.stack([layout[k]]), self.fine)
        return torch.cat([one.rgb.movedim(-1, 0), one.coverage[None]]), one.depth

    def __call__(self, by: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """On white, and coverage; an object with a row of zeros stays."""
        layout = moved(self.scene.layout, by)
        (first, near), (second, far) = (
            self.layer(k, layout) if by[k].any() else self.layers[k] for k in range(2)
        )
        mean = avg_pool2d(torch.where(near <= far, first, second), self.samples).movedim(0, -1)
        return mean[..., :3] + 1 - mean[..., 3:], mean[..., 3]


@cache
def _scene(seed: int, size: tuple[int, int] = SIZE) -> Scene:
    return made_up_scene(seed, registry.create("render", "torch"), objects=2, size=size)[0]


def natural(seed: int, size: tuple[int, int] = SIZE) -> torch.Tensor:
    """[object; number]: changes that all move an object by about a pixel."""
    scene = _scene(seed, size)
    per_pixel = scene.camera.project(scene.layout.translation)[1] / scene.camera.focal
    steps = per_pixel[:, None].repeat(1, 7)
    steps[:, [0, 1, 2, 6]] /= scene.layout.scale[:, None] / 2
    return steps


def losses(seed: int, describe=features, size: tuple[int, int] = SIZE):
    """Pixel, outline and feature loss of a picture, against one with all objects elsewhere."""
    scene = _scene(seed, size)
    away = 0.08 * torch.randn(2, 7, generator=torch.Generator().manual_seed(seed))
    seen = RENDER(replace(scene, layout=moved(scene.layout, away)), samples=8)
    rgb, coverage = seen.rgb + 1 - seen.coverage[..., None], seen.coverage
    described = describe(rgb)

    def measure(rgb_now: torch.Tensor, coverage_now: torch.Tensor) -> torch.Tensor:
        pixels, outlines = (rgb_now - rgb).square(), (coverage_now - coverage).square()
        in_features = (describe(rgb_now) - described).square()
        return torch.stack([pixels.mean(), outlines.mean(), in_features.mean()])

    return measure


@cache
def slopes(seed: int, describe=features, size: tuple[int, int] = SIZE) -> torch.Tensor:
    """By warping: [loss; object; number]."""
    scene, by = _scene(seed, size), torch.zeros(2, 7, requires_grad=True)
    warped = WarpedPicture.drawn(scene.meshes, scene.layout, scene.camera, RENDER, SAMPLES)
    seen = warped(moved(scene.layout, by))
    terms = losses(seed, describe, size)(seen.on(1.0), seen.coverage)
    found = [torch.autograd.grad(term, by, retain_graph=True)[0] for term in terms]
    return torch.stack(found) * natural(seed, size)


@torch.no_grad()
def differences(
    seed: int, describe=features, size: tuple[int, int] = SIZE, samples: int = FINE
) -> torch.Tensor:
    """Central ones, of pictures drawn anew: [loss; object; number]."""
    anew, measure = DrawnAnew(_scene(seed, size), samples), losses(seed, describe, size)
    found = torch.zeros(3, 2, 7)
    for k, number in itertools.product(range(2), range(7)):
        step = torch.zeros(2, 7)
        step[k, number] = STEP * natural(seed, size)[k, number]
        found[:, k, number] = (measure(*anew(step)) - measure(*anew(-step))) / (2 * STEP)
    return found


def kept_differences(seed: int) -> torch.Tensor:
    """Those that a slow test draws anew: the pictures take a minute a scene."""
    return torch.tensor(json.loads(KEPT.read_text())[str(seed)])


def assert_agree(slope: torch.Tensor, difference: torch.Tensor) -> None:
    slope, difference = slope.flatten(), difference.flatten()
    assert cosine_similarity(slope, difference, 0) >= 0.98
    assert 0.9 <= slope.norm() / difference.norm() <= 1.1


@pytest.mark.parametrize("numbers", MOVES.values(), ids=MOVES)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("seed", SCENES)
def test_the_gradient_agrees_with_pictures_drawn_anew(seed, loss, numbers):
    slope, difference = slopes(seed)[loss], kept_differences(seed)[loss]
    assert_agree(slope[:, numbers], difference[:, numbers])


@pytest.mark.slow
@pytest.mark.parametrize("seed", SCENES)
def test_pictures_drawn_anew_differ_as_those_kept(seed):
    """Where made-up scenes change on purpose, `python tests/render/test_warp.py` keeps new ones."""
    torch.testing.assert_close(differences(seed), kept_differences(seed), rtol=1e-3, atol=1e-8)


@pytest.mark.weights
@pytest.mark.parametrize(
    "seed", [SCENES[0], *(pytest.param(seed, marks=pytest.mark.slow) for seed in SCENES[1:])]
)
def test_the_gradient_of_a_loss_on_features_of_a_real_network_agrees(seed):
    """In a picture that the network need not enlarge: it sees what samples do to coarse ones."""
    size, vit = (120, 160), registry.create("features", "vit", size=112)
    loss = LOSSES["features"]
    difference = differences(seed, vit, size, samples=12)
    assert_agree(slopes(seed, vit, size)[loss], difference[loss])


def test_where_it_was_drawn_the_picture_is_the_drawn_one():
    scene = _scene(1)
    seen = WarpedPicture.drawn(scene.meshes, scene.layout, scene.camera, RENDER, 3)(scene.layout)
    expected = RENDER(scene, samples=3)
    torch.testing.assert_close(seen.rgb, expected.rgb, atol=1e-3, rtol=0)
    torch.testing.assert_close(seen.coverage, expected.coverage, atol=1e-3, rtol=0)
    inside = expected.coverage == 1
    assert inside.sum() > 100
    middle = (seen.depth - expected.depth)[inside]  # mean of a pixel's samples against the nearest
    assert (middle > -1e-2).all() and middle.median() < 0.05


def test_a_small_move_gives_the_picture_that_would_be_drawn():
    """A square seen from the front, by two thirds of a pixel and a little nearer."""
    camera = Camera.from_fov(50.0, (40, 40))
    before, after = pose_at([0.0, 0.0, -4.0]), pose_at([0.06, -0.05, -3.9])
    seen = WarpedPicture.drawn([quad()], before, camera, RENDER, 8)(after)
    expected = draw(quad(), after, camera, 8)
    torch.testing.assert_close(seen.coverage, expected.coverage, atol=0.1, rtol=0)
    shown = expected.coverage == 1
    torch.testing.assert_close(seen.depth[shown], expected.depth[shown], atol=1e-3, rtol=0)


def test_what_is_hidden_gets_no_gradient():
    camera = Camera.from_fov(50.0, (30, 30))
    place = torch.tensor([[0.0, 0, -3], [0.1, 0, -6]], requires_grad=True)
    layout = Similarity(torch.tensor([[1.0, 0, 0, 0]] * 2), place, torch.tensor([1.0, 0.5]))
    picture = WarpedPicture.drawn([quad(), sphere(2)], layout, camera, RENDER, 2)
    seen = picture(layout)
    weights = torch.rand(30, 30)
    (slope,) = torch.autograd.grad((seen.coverage * weights).sum(), place)
    assert slope[0].norm() > 0.1
    assert slope[1].norm() < 1e-6


def test_an_object_outside_the_picture_does_no_harm():
    camera = Camera.from_fov(50.0, (20, 20))
    place = torch.tensor([[50.0, 0, -3], [0.0, 0, 4.0], [0.0, 0, -5]], requires_grad=True)
    layout = Similarity(torch.tensor([[1.0, 0, 0, 0]] * 3), place, torch.ones(3))
    seen = WarpedPicture.drawn([sphere(2)] * 3, layout, camera, RENDER, 2)(layout)
    shown = seen.coverage > 0
    (slope,) = torch.autograd.grad(seen.coverage.sum(), place, retain_graph=True)
    (of_depth,) = torch.autograd.grad(seen.depth[shown].sum() + seen.rgb.sum(), place)
    assert shown.any()
    assert slope.isfinite().all() and of_depth.isfinite().all()
    assert (slope[:2] == 0).all()
    assert slope[2, 2] > 0  # nearer is larger


def test_the_outline_of_a_ball_does_not_turn_with_it():
    """The contour stays where it is seen, whichever way the ball turns."""
    camera = Camera.from_fov(40.0, (48, 48))
    turn = torch.zeros(1, 7, requires_grad=True)
    layout = pose_at([0.1, 0.0, -4.0])
    picture = WarpedPicture.drawn([sphere(4)], layout, camera, RENDER, 4)
    half = torch.linspace(0, 1, 48).expand(48, 48)
    seen = picture(moved(layout, turn)).coverage
    (slope,) = torch.autograd.grad((seen * half).sum(), turn)
    per_shift = slope[0, 3].abs()
    assert per_shift > 1
    assert slope[0, TURN].abs().max() < 0.03 * per_shift


def test_the_contour_of_a_box_is_the_hexagon_of_its_edges():
    """Seen corner on, six of twelve edges divide three faces in front from three behind."""
    corner = unit_box()
    assert len(contour_edges(corner, torch.tensor([5.0, 6.0, 7.0]))) == 6
    assert len(contour_edges(corner, torch.tensor([0.1, 0.2, 9.0]))) == 4
    points = contour_points(corner, pose_at([0.0, 0, -5])[0], Camera.from_fov(50.0, (50, 50)))
    assert len(points) > 30
    assert (points.abs().sum(1) > 0.99).all()  # on edges two of three coordinates are extreme


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    KEPT.write_text(json.dumps({seed: differences(seed).tolist() for seed in SCENES}, indent=1))
