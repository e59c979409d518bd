"""Pictures of shapes whose depth, outline and texture coordinates are known in closed form."""

import math

import pytest
import torch
import trimesh
from render_shapes import assert_empty, draw, pose_at, quad, sphere

from reparo.render.renderer import TorchRenderer
from reparo.scene import Camera, Material, Mesh, Scene, Similarity, pixel_centres


def test_a_sphere_has_its_depth_and_outline():
    """Depth: the nearer root of |s d - c| = r. Outline on the axis: a circle of tan(asin(r/c))."""
    camera = Camera.from_fov(40.0, (200, 160))
    picture = draw(sphere(5), pose_at([0.0, 0.0, -4.0], scale=0.8), camera, samples=2)
    radius = camera.focal * math.tan(math.asin(0.8 / 4))
    assert picture.coverage.sum().item() == pytest.approx(math.pi * radius**2, rel=1e-3)
    picture = draw(sphere(5), pose_at([0.0, 0.0, -4.0], scale=0.8), camera)
    ray = (pixel_centres(camera.size) - torch.tensor([80.0, 100.0])) / camera.focal
    squared = ray.square().sum(-1) + 1
    root = 16 - squared * (16 - 0.64)
    depth = (4 - root.clamp(min=0).sqrt()) / squared
    # facets lie up to 1e-4 inside the ball, which near the rim is much in depth
    inner = root > 0.1
    assert inner.sum() > 3000
    torch.testing.assert_close(picture.depth[inner], depth[inner], rtol=2e-4, atol=0)


def test_a_box_shows_its_front_face_only():
    box = trimesh.creation.box()
    mesh = Mesh.plain(torch.tensor(box.vertices), torch.tensor(box.faces))
    picture = draw(mesh, pose_at([0.0, 0.0, -2.5]), Camera.from_fov(90.0, (64, 64)))
    # the front is 1 wide at z = 2, where the picture is 4 wide: the middle 16 pixels
    expected = torch.full((64, 64), torch.inf)
    expected[24:40, 24:40] = 2.0
    torch.testing.assert_close(picture.depth, expected)
    assert picture.coverage.sum() == 256


@pytest.mark.parametrize("turn", [(0.0, 0.9, 0.0), (-1.2, 0.0, 0.3), (0.4, 2.6, 0.0)])
def test_a_tilted_square_has_exact_depth_points_and_texture_coordinates(turn):
    """The ray of a pixel meets the plane where it must; uv there is linear on the plane."""
    ramp = torch.linspace(0, 1, 256)
    texture = torch.ones(256, 256, 4)
    texture[..., 0], texture[..., 1] = ramp[None], ramp[:, None]
    mesh = quad(materials=(Material(texture=texture),))
    pose, camera = pose_at([0.1, -0.2, -3.0], turn), Camera.from_fov(60.0, (90, 120))
    picture = draw(mesh, pose, camera)
    seen = picture.coverage > 0
    assert seen.sum() > 300
    origin = pose[0].translation
    normal = pose[0].matrix[:, 2]
    centres = pixel_centres(camera.size)[seen]
    ray = camera.unproject(centres, torch.ones(len(centres)))
    depth = (origin @ normal) / (ray @ normal)
    torch.testing.assert_close(picture.depth[seen], depth)
    point = ray * depth[:, None]
    torch.testing.assert_close(picture.point[seen], point)
    own = pose[0].inverse().apply(point)
    uv = torch.stack([(own[:, 0] + 1) / 2, (1 - own[:, 1]) / 2], -1)
    # the ramp's texels have their centres half a texel from the border, where it repeats
    inner = ((uv > 0.01) & (uv < 0.99)).all(-1)
    expected = (uv * 256 - 0.5) / 255
    torch.testing.assert_close(picture.rgb[seen][inner][:, :2], expected[inner])


def test_a_half_plane_covers_the_share_of_each_pixel_that_it_should():
    """Left of x = 10.25 px: with 4 x 4 samples the eleventh column is covered to a quarter."""
    camera = Camera(focal=20.0, size=(20, 20), camera_from_world=Similarity.identity())
    mesh = quad(half=10.0)
    picture = draw(mesh, pose_at([-10.0 + 0.25 / 20, 0.0, -1.0]), camera, samples=4)
    expected = torch.zeros(20, 20)
    expected[:, :10], expected[:, 10] = 1, 0.25
    torch.testing.assert_close(picture.coverage, expected)
    torch.testing.assert_close(picture.rgb, expected[..., None].expand(-1, -1, 3))


def test_a_floor_that_runs_behind_the_camera_is_cut_not_dropped():
    """A floor 1 below, a horizon at half height; below it depth is focal / (y - centre)."""
    camera = Camera.from_fov(90.0, (80, 80))
    floor = quad(half=1e4)
    picture = draw(floor, pose_at([3.0, -1.0, 2.0], (-math.pi / 2, 0.0, 0.0)), camera)
    assert (picture.coverage[:40] == 0).all()
    assert (picture.coverage[40:] == 1).all()
    depth = camera.focal / (torch.arange(40) + 0.5)
    expected = depth[:, None].expand(-1, 80)
    torch.testing.assert_close(picture.depth[40:], expected, rtol=1e-6, atol=0)


def test_one_triangle_with_one_corner_in_front_is_cut_to_its_tip():
    mesh = Mesh.plain(
        torch.tensor([[0.0, 0, -2], [-1, -0.5, 2], [1, -0.5, 2]]), torch.tensor([[0, 1, 2]])
    )
    picture = draw(mesh, pose_at([0.0, 0.0, 0.0]), Camera.from_fov(90.0, (64, 64)))
    # its plane is y = -(z + 2) / 8, so z = 2 / (1 + 8 tan(angle below the axis))
    below = (torch.arange(32) + 0.5) / 32
    depth = 2 / (1 + 8 * below)
    # it is |x| <= (z + 2) / 4 wide, so wide enough for the two middle columns from the second row
    torch.testing.assert_close(picture.depth[33:, 31], depth[1:])
    assert (picture.coverage[:32] == 0).all()


@pytest.mark.parametrize("z", [3.0, 0.0])
def test_nothing_behind_the_camera_is_seen(z):
    picture = draw(sphere(2), pose_at([0.0, 0.0, z], scale=1e-4), Camera.from_fov(60.0, (16, 16)))
    assert_empty(picture)


@pytest.mark.parametrize("samples", [1, 3])
def test_a_scene_without_objects_is_an_empty_picture(samples):
    scene = Scene((), (), Similarity.identity(0), Camera.from_fov(60.0, (5, 7)))
    picture = TorchRenderer()(scene, samples)
    assert picture.rgb.shape == (5, 7, 3)
    assert_empty(picture)


def test_faces_without_area_and_meshes_without_faces_are_not_seen():
    camera = Camera.from_fov(60.0, (16, 16))
    line = torch.tensor([[-1.0, 0, 0], [0, 0, 0], [1, 0, 0]])
    for faces in (torch.tensor([[0, 1, 2], [0, 0, 1], [2, 2, 2]]), torch.zeros(0, 3).long()):
        assert_empty(draw(Mesh.plain(line, faces), pose_at([0.0, 0.0, -2.0]), camera))
