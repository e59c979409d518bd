"""Meshes blown up from outlines."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from reparo.errors import InputError
from reparo.scene import Cutout
from reparo.stages.reconstruct.inflate import InflateReconstructor


def cutout_of(mask: np.ndarray, rgb: torch.Tensor | None = None) -> Cutout:
    opaque = torch.from_numpy(mask.astype(bool))
    colours = torch.rand(*mask.shape, 3) if rgb is None else rgb
    rgba = torch.cat([colours, opaque[..., None].to(colours)], -1)
    return Cutout(rgba, opaque, torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))


def disc(side: int = 100, radius: float = 40.0) -> np.ndarray:
    y, x = np.mgrid[:side, :side] + 0.5
    return np.hypot(x - side / 2, y - side / 2) < radius


def solid(mesh) -> trimesh.Trimesh:
    joined = trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy(), process=False)
    joined.merge_vertices(merge_tex=True, merge_norm=True)
    return joined


def masks() -> dict[str, np.ndarray]:
    """The shapes most likely to tear a mesh."""
    chance = np.random.default_rng(0)
    blank = np.zeros((40, 40), dtype=bool)
    shapes = {name: blank.copy() for name in ("thin", "tiny", "chequer", "pinch", "ring", "edge")}
    shapes["thin"][5:35, 20] = shapes["thin"][5, 10:30] = True
    shapes["tiny"][18:23, 18:23] = True
    shapes["chequer"][10:30, 10:30] = np.indices((20, 20)).sum(0) % 2 == 0
    shapes["pinch"][5:20, 5:20] = shapes["pinch"][20:35, 20:35] = True
    shapes["ring"][8:32, 8:32] = True
    shapes["ring"][14:26, 14:26] = False
    shapes["edge"][:, :20] = True
    shapes["one"] = np.zeros((16, 16), dtype=bool)
    shapes["one"][8, 8] = True
    for seed in (0, 2, 5):
        shapes[f"noise{seed}"] = chance.random((30, 30)) < 0.2 + 0.1 * seed
    return shapes


@pytest.mark.parametrize("name", list(masks()))
def test_any_outline_becomes_a_closed_mesh_about_the_unit_cube(name):
    mesh = InflateReconstructor()(cutout_of(masks()[name]), name)
    joined = solid(mesh)
    assert joined.is_watertight and joined.is_winding_consistent
    assert joined.volume > 0
    assert float((mesh.bounds[1] - mesh.bounds[0]).max()) == pytest.approx(1)
    torch.testing.assert_close(mesh.bounds.sum(0), torch.zeros(3), atol=1e-9, rtol=0)


def test_a_disc_becomes_about_a_ball():
    joined = solid(InflateReconstructor()(cutout_of(disc()), "disc"))
    assert joined.volume == pytest.approx(math.pi / 6, rel=0.03)


def test_a_hole_in_the_outline_stays_a_hole():
    joined = solid(InflateReconstructor()(cutout_of(masks()["ring"]), "ring"))
    assert joined.euler_number == 0  # a torus


def test_the_front_has_the_cutouts_colours():
    y, x = torch.meshgrid(torch.linspace(0, 1, 100), torch.linspace(0, 1, 100), indexing="ij")
    cutout = cutout_of(disc(), torch.stack([x, y, torch.full_like(x, 0.5)], -1))
    mesh = InflateReconstructor()(cutout, "disc")
    texture = mesh.materials[0].texture
    front = mesh.vertices[:, 2] > 0.2
    column, row = (mesh.uv[front] * torch.tensor([200, 100])).long().unbind(-1)
    colours = texture[row, column, :2]
    expected = mesh.vertices[front][:, :2] * torch.tensor([0.8, -0.8]) + 0.5  # 80 of 100 px
    torch.testing.assert_close(colours, expected, atol=0.02, rtol=0)


def test_no_background_shows_at_the_rim():
    rgb = torch.zeros(100, 100, 3)
    rgb[torch.from_numpy(disc(radius=39.0))] = 1.0  # the outline's pixels themselves are black
    mesh = InflateReconstructor()(cutout_of(disc(), rgb), "disc")
    assert mesh.materials[0].texture[:, :100, :3].min() == 1


def test_up_is_y_and_right_is_x():
    mask = np.zeros((60, 60), dtype=bool)
    mask[10:50, 10:20] = mask[40:50, 10:50] = True  # an L
    vertices = InflateReconstructor()(cutout_of(mask), "L").vertices
    assert vertices[vertices[:, 0] > 0, 1].max() < 0 < vertices[vertices[:, 0] < 0, 1].max()


def test_an_empty_cutout_is_refused():
    with pytest.raises(InputError, match="opaque"):
        InflateReconstructor()(cutout_of(np.zeros((20, 20))), "nothing")


FOCAL = 300.0  # px


def ball_seen(side: int = 100, distance: float = 4.0, radius: float = 0.5) -> Cutout:
    """A ball as a camera on its axis sees it: outline and depth, in closed form."""
    y, x = (np.mgrid[:side, :side] + 0.5 - side / 2) / FOCAL
    square = x**2 + y**2 + 1  # |ray|^2, rays of z = 1
    inner = distance**2 - square * (distance**2 - radius**2)
    hit = inner >= 0
    z = np.where(hit, (distance - np.sqrt(np.maximum(inner, 0))) / square, np.nan)
    plain = cutout_of(hit)
    return Cutout(plain.rgba, plain.visible, plain.photo_from_cutout, torch.from_numpy(z))


def test_the_front_follows_the_depth():
    mesh = InflateReconstructor()(replace(ball_seen(), focal=FOCAL), "ball")
    front = mesh.vertices[: len(mesh.vertices) // 2]
    inner = front[front[:, :2].norm(dim=-1) < 0.35]
    # a sphere's z over its distance from the axis, up to where its centre was put
    expected = (0.25 - inner[:, :2].square().sum(-1)).sqrt()
    offset = (inner[:, 2] - expected).median()
    assert float((inner[:, 2] - expected - offset).abs().max()) < 0.04
    assert solid(mesh).is_watertight


@pytest.mark.parametrize("focal", [None, FOCAL])
def test_a_leaning_screen_of_depth_gives_a_leaning_cushion(focal):
    """Depth as `ground` makes it: nearer below; the mesh then leans as the screen does."""
    flat = cutout_of(disc())
    z = torch.linspace(4.2, 3.8, 100)[:, None].expand(100, 100).clone()
    leaning = Cutout(flat.rgba, flat.visible, flat.photo_from_cutout, z)
    mesh = InflateReconstructor()(replace(leaning, focal=focal), "disc")
    half = len(mesh.vertices) // 2
    front, back = mesh.vertices[:half], mesh.vertices[half:]
    rim = (front - back).norm(dim=-1) < 1e-9
    top, bottom = front[rim & (front[:, 1] > 0.3)], front[rim & (front[:, 1] < -0.3)]
    assert top[:, 2].max() < bottom[:, 2].min()
    assert float((front - back)[:, 2].max()) > 0.5  # still a cushion, not a sheet


def test_depth_that_jumps_leaves_the_mesh_closed():
    chance = np.random.default_rng(0)
    flat = cutout_of(disc())
    z = torch.from_numpy(chance.uniform(1, 10, (100, 100)))
    z[torch.from_numpy(chance.random((100, 100)) < 0.5)] = torch.nan
    wild = Cutout(flat.rgba, flat.visible, flat.photo_from_cutout, z)
    joined = solid(InflateReconstructor()(replace(wild, focal=FOCAL), "wild"))
    assert joined.is_watertight and joined.volume > 0
