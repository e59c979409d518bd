"""The warped picture's gradient against central differences of pictures that are drawn anew."""

from functools import cache

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
SAMPLES = 8  # rays a pixel and side of the pictures that are drawn anew
STEP = 0.25  # px: of the central differences
LOSSES = {"pixels": 0, "outlines": 1, "features": 2}
TURN, SHIFT, GROWTH = slice(0, 3), slice(3, 6), slice(6, 7)


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
    """Anti-aliased pictures of a scene in which one object stands elsewhere."""

    def __init__(self, scene: Scene):
        camera = scene.camera
        self.scene = scene
        self.fine = camera.resized((camera.size[0] * SAMPLES, camera.size[1] * SAMPLES))
        self.layers = RENDER.layers(scene.meshes, scene.layout, self.fine)

    def __call__(self, by: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """On white, and coverage; objects with a row of zeros stay."""
        layout = moved(self.scene.layout, by)
        layers = [
            draw(mesh, Similarity.stack([layout[k]]), self.fine) if by[k].any() else self.layers[k]
            for k, mesh in enumerate(self.scene.meshes)
        ]
        nearest = torch.stack([layer.depth for layer in layers]).argmin(0)[None, ..., None]
        rgba = torch.stack([torch.cat([one.rgb, one.coverage[..., None]], -1) for one in layers])
        seen = rgba.gather(0, nearest.expand(1, *rgba.shape[1:]))[0]
        mean = avg_pool2d(seen.movedim(-1, 0), SAMPLES).movedim(0, -1)
        return mean[..., :3] + 1 - mean[..., 3:], mean[..., 3]

    def step(self, k: int, number: int) -> float:
        """The change of one number that moves an object by about STEP px."""
        pose = self.scene.layout[k]
        z = self.scene.camera.project(pose.translation)[1].item()
        per_unit = self.scene.camera.focal / z
        return STEP / per_unit / (1 if number in (3, 4, 5) else pose.scale.item() / 2)


@cache
def _scene(seed: int, size: tuple[int, int] = SIZE) -> Scene:
    return made_up_scene(seed, registry.create("render", "torch"), objects=2, size=size)[0]


@cache
def gradients(
    seed: int, describe=features, samples: int = 4, size: tuple[int, int] = SIZE
) -> tuple[torch.Tensor, torch.Tensor]:
    """By warping and by central differences: [pixel, outline, feature loss; object; number]."""
    scene = _scene(seed, size)
    anew, n = DrawnAnew(scene), len(scene.names)
    away = 0.08 * torch.randn(n, 7, generator=torch.Generator().manual_seed(seed))
    rgb, coverage = anew(away)
    described = describe(rgb)

    def losses(rgb_now: torch.Tensor, coverage_now: torch.Tensor) -> torch.Tensor:
        pixels, outlines = (rgb_now - rgb).square(), (coverage_now - coverage).square()
        return torch.stack(
            [pixels.mean(), outlines.mean(), (describe(rgb_now) - described).square().mean()]
        )

    by = torch.zeros(n, 7, requires_grad=True)
    warped = WarpedPicture.drawn(scene.meshes, scene.layout, scene.camera, RENDER, samples)
    seen = warped(moved(scene.layout, by))
    terms = losses(seen.on(1.0), seen.coverage)
    slopes = [torch.autograd.grad(term, by, retain_graph=True)[0] for term in terms]
    differences = torch.zeros(3, n, 7)
    with torch.no_grad():
        for k in range(n):
            for number in range(7):
                step = torch.zeros(n, 7)
                step[k, number] = anew.step(k, number)
                change = losses(*anew(step)) - losses(*anew(-step))
                differences[:, k, number] = change / 2 / anew.step(k, number)
    return torch.stack(slopes), differences


def natural(seed: int, size: tuple[int, int] = SIZE) -> torch.Tensor:
    """[object; number]: changes that all move an object by the same number of pixels."""
    scene = _scene(seed, size)
    anew = DrawnAnew(scene)
    return torch.tensor([[anew.step(k, i) for i in range(7)] for k in range(len(scene.names))])


def assert_agree(slope: torch.Tensor, difference: torch.Tensor) -> None:
    slope, difference = slope.flatten(), difference.flatten()
    assert cosine_similarity(slope, difference, 0) >= 0.98
    assert 0.9 <= slope.norm() / difference.norm() <= 1.1


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("seed", SCENES)
def test_the_whole_gradient_agrees_with_pictures_drawn_anew(seed, loss):
    slopes, differences = gradients(seed)
    assert_agree(slopes[loss] * natural(seed), differences[loss] * natural(seed))


@pytest.mark.parametrize("numbers", [TURN, SHIFT, GROWTH], ids=["turn", "shift", "growth"])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("seed", SCENES)
def test_each_kind_of_move_agrees_by_itself(seed, loss, numbers):
    if (seed, numbers) == (2, TURN):
        pytest.skip("a cone hardly changes when it turns: below, with finer samples")
    slopes, differences = gradients(seed)
    slope, difference = slopes[loss] * natural(seed), differences[loss] * natural(seed)
    assert_agree(slope[:, numbers], difference[:, numbers])


@pytest.mark.slow
@pytest.mark.xfail(reason="8 to 11 % too long when last measured, by the loss")
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_the_turn_of_a_cone_agrees_with_finer_samples(loss):
    slopes, differences = gradients(2, samples=8)
    assert_agree(slopes[loss, :, TURN], differences[loss, :, TURN])


@pytest.mark.weights
@pytest.mark.parametrize("seed", SCENES)
def test_the_gradient_of_a_loss_on_features_of_a_real_network_agrees(seed):
    """In a picture that the network need not enlarge: it sees what samples do to coarse ones."""
    size, vit = (120, 160), registry.create("features", "vit", size=112)
    slopes, differences = gradients(seed, vit, size=size)
    loss, unit = LOSSES["features"], natural(seed, size)
    assert_agree(slopes[loss] * unit, differences[loss] * unit)


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
