"""What every renderer promises."""

import pytest
import torch
import trimesh

from reparo import registry
from reparo.contracts import Renderer
from reparo.scene import Camera, Mesh, Scene, Similarity

SIZE = (30, 40)


def scene_of(translation):
    """Balls of half a unit, each at its place, before a camera at the origin."""
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.5)
    mesh = Mesh.plain(torch.tensor(ball.vertices), torch.tensor(ball.faces))
    count = len(translation)
    layout = Similarity(torch.tensor([[1.0, 0, 0, 0]] * count), translation, torch.ones(count))
    names = tuple("abc"[:count])
    return Scene(names, (mesh,) * count, layout, Camera.from_fov(50.0, SIZE))


PLACES = [[-0.3, 0.0, -3.0], [0.2, 0.0, -4.0]]


@pytest.fixture(params=registry.names("render"))
def renderer(request):
    return registry.create("render", request.param)


def test_it_is_a_renderer(renderer):
    assert isinstance(renderer, Renderer)


@pytest.mark.parametrize("samples", [1, 2])
def test_pixels_are_seen_or_empty(renderer, samples):
    picture = renderer(scene_of(torch.tensor(PLACES)), samples)
    empty = picture.coverage == 0
    assert picture.rgb.shape == (*SIZE, 3)
    assert 0 < empty.sum() < empty.numel()
    assert (picture.rgb[empty] == 0).all()
    assert (picture.depth[empty] == torch.inf).all()
    assert (picture.object_index[empty] == -1).all()
    assert (picture.point[empty] == 0).all()
    assert picture.coverage.max() == 1
    assert torch.isfinite(picture.depth[~empty]).all()
    assert (picture.rgb <= picture.coverage[..., None] + 1e-12).all()  # premultiplied
    assert set(picture.object_index[~empty].tolist()) == {0, 1}


def test_a_pixel_has_the_depth_and_place_of_its_point(renderer):
    scene = scene_of(torch.tensor(PLACES))
    picture = renderer(scene)
    seen = picture.coverage > 0
    pixel, z = scene.camera.project(picture.point[seen])
    torch.testing.assert_close(z, picture.depth[seen])
    rows, columns = seen.nonzero(as_tuple=True)
    torch.testing.assert_close(pixel, torch.stack([columns, rows], -1) + 0.5)


def test_layers_are_whole_and_the_composite_shows_the_nearest(renderer):
    scene = scene_of(torch.tensor(PLACES))
    layers = renderer.layers(scene.meshes, scene.layout, scene.camera)
    picture = renderer(scene)
    assert len(layers) == 2
    depths = torch.stack([layer.depth for layer in layers])
    torch.testing.assert_close(picture.depth, depths.amin(0))
    both = (layers[0].coverage > 0) & (layers[1].coverage > 0)
    assert both.sum() > 10
    assert (picture.object_index[both] == 0).all()
    for index, layer in enumerate(layers):
        assert set(layer.object_index.unique().tolist()) == {-1, index}


def test_only_more_samples_give_fractions(renderer):
    scene = scene_of(torch.tensor(PLACES))
    assert set(renderer(scene).coverage.unique().tolist()) == {0.0, 1.0}
    fractions = renderer(scene, 4).coverage
    assert ((fractions > 0) & (fractions < 1)).sum() > 20


def test_gradients_flow_to_the_pose_through_depth_and_points(renderer):
    translation = torch.tensor(PLACES, requires_grad=True)
    picture = renderer(scene_of(translation))
    depth = picture.depth[picture.coverage > 0].sum()
    (of_depth,) = torch.autograd.grad(depth, translation, retain_graph=True)
    assert (of_depth[:, 2] < 0).all()  # nearer is a greater z of the world
    (of_point,) = torch.autograd.grad(picture.point[..., 0].sum(), translation)
    assert (of_point[:, 0] > 0).all()
