"""The renderer against a plain ray caster: every ray meets every triangle."""

import numpy as np
import pytest
import torch
import trimesh
from render_shapes import pose_at

from reparo.render import visibility
from reparo.render.renderer import TorchRenderer
from reparo.scene import (
    Camera,
    Mesh,
    Scene,
    Similarity,
    axis_angle_to_matrix,
    matrix_to_quaternion,
    pixel_centres,
)


def soup(triangles, spread, generator):
    """Unconnected triangles of all sizes about the origin, with random vertex colours."""
    centre = torch.randn(triangles, 1, 3, generator=generator) * spread
    size = torch.rand(triangles, 1, 1, generator=generator) ** 2
    vertices = (centre + size * torch.randn(triangles, 3, 3, generator=generator)).reshape(-1, 3)
    mesh = Mesh.plain(vertices, torch.arange(3 * triangles).reshape(-1, 3))
    colours = torch.rand(3 * triangles, 4, generator=generator)
    return Mesh(vertices, mesh.faces, mesh.uv, colours, mesh.materials, mesh.face_material)


def random_scene(size, distance):
    """Three soups that overlap, seen by a camera that stands askew; some of it behind it."""
    generator = torch.Generator().manual_seed(3)
    meshes = tuple(soup(60, 0.8, generator) for _ in range(3))
    rotations = axis_angle_to_matrix(torch.randn(3, 3, generator=generator))
    layout = Similarity(
        matrix_to_quaternion(rotations),
        torch.randn(3, 3, generator=generator) * 0.5,
        torch.tensor([0.7, 1.0, 1.6]),
    )
    looking = pose_at([0.3, 0.2, distance], (0.1, -0.2, 0.3))[0]
    return Scene(("a", "b", "c"), meshes, layout, Camera.from_fov(50.0, size, looking))


def cast(scene, near):
    """Depth, object index and colour per pixel, one ray and one object after the other."""
    camera = scene.camera
    rays = camera.unproject(pixel_centres(camera.size), torch.ones(camera.size)).numpy()
    eye = camera.world_from_camera.translation.numpy()
    rays = rays.reshape(-1, 3) - eye  # z along the axis is 1
    depth = np.full(len(rays), np.inf)
    owner = np.full(len(rays), -1)
    colour = np.zeros((len(rays), 3))
    for index, mesh in enumerate(scene.meshes):
        corners = scene.layout[index].apply(mesh.vertices)[mesh.faces].numpy() - eye
        looks = mesh.colours[mesh.faces].numpy()[..., :3]
        for number, ray in enumerate(rays):
            # t * ray = sum of weights * corners: three equations for weights / t
            share = np.linalg.solve(corners.transpose(0, 2, 1), ray[None, :, None])[..., 0]
            total = share.sum(1)
            with np.errstate(divide="ignore"):
                distance = np.where((share >= 0).all(1) & (total > 0), 1 / total, np.inf)
            distance[distance < near] = np.inf
            nearest = distance.argmin()
            if distance[nearest] < depth[number]:
                depth[number], owner[number] = distance[nearest], index
                colour[number] = share[nearest] @ looks[nearest] / total[nearest]
    return (
        torch.tensor(part.reshape(*camera.size, -1)).squeeze(-1) for part in (depth, owner, colour)
    )


@pytest.mark.parametrize("distance", [6.0, 0.5])  # before the soup, in the midst of it
def test_a_scene_looks_as_rays_see_it(distance):
    scene = random_scene((24, 30), distance)
    picture = TorchRenderer(near=0.05)(scene)
    depth, owner, colour = cast(scene, 0.05)
    assert set(owner.unique().tolist()) >= {1, 2}
    torch.testing.assert_close(picture.object_index, owner)
    torch.testing.assert_close(picture.depth, depth)
    torch.testing.assert_close(picture.rgb, colour)


def test_pieces_of_the_work_give_the_same_picture(monkeypatch):
    scene = random_scene((40, 50), 3.0)
    whole = TorchRenderer()(scene)
    monkeypatch.setattr(visibility, "CANDIDATES_AT_ONCE", 777)
    pieces = TorchRenderer()(scene)
    assert torch.equal(whole.depth, pieces.depth)
    assert torch.equal(whole.rgb, pieces.rgb)


@pytest.mark.parametrize("samples", [2, 3])
def test_samples_are_the_means_of_a_finer_picture(samples):
    scene = random_scene((24, 30), 4.0)
    fine = TorchRenderer()(
        Scene(
            scene.names,
            scene.meshes,
            scene.layout,
            scene.camera.resized((24 * samples, 30 * samples)),
        )
    )
    picture = TorchRenderer()(scene, samples)
    blocks = (24, samples, 30, samples)
    torch.testing.assert_close(picture.rgb, fine.rgb.reshape(*blocks, 3).mean((1, 3)))
    torch.testing.assert_close(picture.coverage, fine.coverage.reshape(blocks).mean((1, 3)))
    depth = fine.depth.reshape(blocks).permute(0, 2, 1, 3).flatten(2)
    nearest = depth.argmin(2, keepdim=True)
    torch.testing.assert_close(picture.depth, depth.gather(2, nearest)[..., 0])
    index = fine.object_index.reshape(blocks).permute(0, 2, 1, 3).flatten(2)
    assert torch.equal(picture.object_index, index.gather(2, nearest)[..., 0])


def test_the_composite_is_the_nearest_of_the_layers():
    scene = random_scene((60, 50), 5.0)
    layers = TorchRenderer().layers(scene.meshes, scene.layout, scene.camera)
    picture = TorchRenderer()(scene)
    depths = torch.stack([layer.depth for layer in layers])
    torch.testing.assert_close(picture.depth, depths.amin(0))
    rgb = torch.stack([layer.rgb for layer in layers])
    nearest = depths.argmin(0)[None, ..., None].expand(1, 60, 50, 3)
    torch.testing.assert_close(picture.rgb, rgb.gather(0, nearest)[0])


def test_a_closed_mesh_has_no_cracks():
    """A fine, closed ball drawn in single precision: no pixel shows what is behind."""
    ball = trimesh.creation.icosphere(subdivisions=5)
    mesh = Mesh.plain(torch.tensor(ball.vertices).float(), torch.tensor(ball.faces))
    pose = Similarity(
        torch.tensor([[1.0, 0, 0, 0]]).float(),
        torch.tensor([[0.0, 0, -3]]).float(),
        torch.ones(1).float(),
    )
    (picture,) = TorchRenderer().layers([mesh], pose, Camera.from_fov(45.0, (256, 256)))
    inside = (pixel_centres((256, 256)) - 128).norm(dim=-1) < 105  # the outline is at 109
    assert (picture.coverage[inside] == 1).all()
    assert picture.depth[inside].max() < 2.75  # a crack would show the far side, beyond 3
