"""Meshes of a solid that a network guesses."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from torch.nn.functional import grid_sample

from reparo.errors import InputError
from reparo.files.soundness import open_edges
from reparo.scene import Cutout
from reparo.stages.reconstruct import embedded
from reparo.stages.reconstruct.embedded import EmbeddedReconstructor
from reparo.stages.reconstruct.shape_choice import best_choice
from reparo.stages.reconstruct.shape_network import (
    CLOSE,
    FARTHEST,
    GRID,
    REACH,
    Shape,
    ShapeHead,
    ground_depth,
)
from reparo.stages.reconstruct.shape_seen import on_grey, resized, seen
from reparo.stages.reconstruct.shape_surface import surface
from reparo.stages.reconstruct.shape_texture import textured
from reparo.stages.vision.transformer import Transformer

FAR = 1e6  # sides: no perspective


def cutout_of(mask: np.ndarray, rgb: torch.Tensor | None = None) -> Cutout:
    opaque = torch.from_numpy(mask.astype(bool))
    colours = torch.rand(*mask.shape, 3) if rgb is None else rgb
    rgba = torch.cat([colours, opaque[..., None].to(colours)], -1)
    return Cutout(rgba, opaque, torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))


def disc(side: int = 128, radius: float = 50.0) -> np.ndarray:
    y, x = np.mgrid[:side, :side] + 0.5
    return np.hypot(x - side / 2, y - side / 2) < radius


def cells() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """z, rows down, columns of the network's cells, in sides."""
    along = (torch.arange(GRID) + 0.5) / GRID - 0.5
    return torch.meshgrid(along * 2 * REACH, along, along, indexing="ij")


def ball(radius: float = 0.39) -> torch.Tensor:
    z, y, x = cells()
    return 60 * (radius - (x**2 + y**2 + z**2).sqrt())


def made(logits: torch.Tensor, mask: np.ndarray, focal: float = FAR, most: int = 20_000):
    cutout = cutout_of(mask)
    found = surface(logits, cutout.rgba[..., 3], focal, most)
    return textured(found, torch.full((3, GRID, GRID), 0.5), cutout, focal, "thing")


def solid(mesh) -> trimesh.Trimesh:
    joined = trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy(), process=False)
    joined.merge_vertices(merge_tex=True, merge_norm=True)
    return joined


def masks() -> dict[str, np.ndarray]:
    """The shapes most likely to tear a mesh."""
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
    shapes["all"] = np.ones((16, 16), dtype=bool)
    return shapes


@pytest.mark.parametrize("name", list(masks()))
def test_any_outline_and_any_guess_become_a_closed_mesh_about_the_unit_cube(name):
    guess = 3 * torch.randn(GRID, GRID, GRID) + 0.6
    mesh = made(guess, masks()[name], focal=2.0)
    joined = solid(mesh)
    assert open_edges(mesh) == 0
    assert joined.is_watertight and joined.is_winding_consistent
    assert joined.volume > 0
    assert len(mesh.faces) <= 20_000 or name == "chequer"
    assert float((mesh.bounds[1] - mesh.bounds[0]).max()) == pytest.approx(1)
    torch.testing.assert_close(mesh.bounds.sum(0), torch.zeros(3), atol=1e-9, rtol=0)


def test_a_ball_becomes_a_ball():
    joined = solid(made(ball(), disc()))
    assert joined.volume == pytest.approx(math.pi / 6, rel=0.04)


def test_what_the_network_does_not_see_keeps_its_outline():
    """No cell is likely, yet each ray inside the outline meets something: where it is likeliest."""
    z, _, _ = cells()
    mesh = made(-2 - 20 * z.abs(), disc())
    width = mesh.bounds[1] - mesh.bounds[0]
    assert width[:2].tolist() == pytest.approx([1, 1], abs=0.03)
    assert width[2] < 0.2


def test_the_outline_is_the_cutouts_and_not_the_guess():
    mask = np.zeros((128, 128), dtype=bool)
    mask[20:100, 50:80] = True
    mesh = made(torch.full((GRID, GRID, GRID), 5.0), mask, most=60_000)
    size = mesh.bounds[1] - mesh.bounds[0]
    depth = 2 * REACH * 128
    torch.testing.assert_close(
        size / size[2], torch.tensor([30, 80, depth]) / depth, atol=0.02, rtol=0
    )


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
def test_the_rim_of_a_thin_sheet_is_as_round_as_the_outline(slope):
    """Wherever between two layers it lies: a rim must not wave with that."""
    z, y, _ = cells()
    found = surface(2 - 80 * (z - slope * y).abs(), torch.from_numpy(disc()).double(), FAR, 90_000)
    spokes = np.angle((found.pixels - 0.5) @ [1, 1j])
    reach = np.linalg.norm(found.pixels - 0.5, axis=1) * 128
    ends = [reach[np.abs(spokes - angle) < 0.03].max() for angle in np.linspace(-3, 3, 90)]
    assert np.mean(ends) == pytest.approx(50, abs=0.25)
    assert np.std(ends) < 0.25


def test_a_leg_that_may_stand_in_two_places_hangs_together():
    """Below, another depth is a little likelier; it goes on where it hangs on the seat."""
    z, y, _ = cells()
    mask = np.zeros((128, 128), dtype=bool)
    mask[20:50, 20:108] = mask[50:110, 60:68] = True
    seat = 40 * (0.2 - z.abs())
    front, back = (-3 - 30 * (z - place).abs() for place in (0.1, -0.5))
    leg = torch.maximum(front, back + torch.where(y > 0.2, 0.5, -0.5))
    guess = torch.where(y < 50 / 128 - 0.5, seat, leg)
    joined = solid(made(guess, mask))
    assert joined.body_count == 1
    assert np.ptp(joined.vertices[:, 1]) == pytest.approx(1, abs=0.01)  # as high as the outline:
    assert np.ptp(joined.vertices[:, 0]) == pytest.approx(88 / 90, abs=0.03)  # 90 by 88 px


def test_a_hole_in_the_outline_stays_a_hole():
    assert solid(made(ball(), masks()["ring"])).euler_number == 0


def test_with_perspective_what_is_nearer_is_smaller():
    """A block that fills its pixels at all depths is a pyramid cut off: the eye sees its front."""
    mask = np.zeros((128, 128), dtype=bool)
    mask[32:96, 32:96] = True
    z, _, _ = cells()
    vertices = made(40 * (0.3 - z.abs()), mask, focal=2.0).vertices
    front, back = (vertices[vertices[:, 2] * sign > 0.9 * vertices[:, 2].max()] for sign in (1, -1))
    expected = (1 - 0.3 / 2) / (1 + 0.3 / 2)
    assert float(front[:, 0].max() / back[:, 0].max()) == pytest.approx(expected, abs=0.03)


def test_up_is_y_and_right_is_x_and_near_is_z():
    mask = np.zeros((60, 60), dtype=bool)
    mask[10:50, 10:20] = mask[40:50, 10:50] = True  # an L
    z, y, _ = cells()
    vertices = made(30 * (0.2 - (z + y).abs()), mask).vertices  # its top leans towards the viewer
    assert vertices[vertices[:, 0] > 0, 1].max() < 0 < vertices[vertices[:, 0] < 0, 1].max()
    top, bottom = (vertices[vertices[:, 1] * sign > 0.2] for sign in (1, -1))
    assert top[:, 2].mean() > bottom[:, 2].mean()


def test_the_front_has_the_cutouts_colours_and_the_back_the_guess():
    y, x = torch.meshgrid(torch.linspace(0, 1, 128), torch.linspace(0, 1, 128), indexing="ij")
    cutout = cutout_of(disc(), torch.stack([x, y, torch.full_like(x, 0.5)], -1))
    found = surface(ball(), cutout.rgba[..., 3], FAR, 20_000)
    mesh = textured(found, torch.full((3, GRID, GRID), 0.3), cutout, FAR, "ball")
    texture = mesh.materials[0].texture
    height, width = texture.shape[:2]
    for sign, expected in ((1, None), (-1, 0.3)):
        chosen = mesh.vertices[:, 2] * sign > 0.35
        column, row = (mesh.uv[chosen] * torch.tensor([width, height])).long().unbind(-1)
        colours = texture[row, column, :3]
        if expected is None:
            wanted = mesh.vertices[chosen][:, :2] * torch.tensor([0.78, -0.78]) + 0.5
            torch.testing.assert_close(colours[:, :2], wanted, atol=0.03, rtol=0)
        else:
            torch.testing.assert_close(colours, torch.full_like(colours, 0.3), atol=0.02, rtol=0)


def test_no_background_shows_at_the_rim():
    rgb = torch.zeros(128, 128, 3)
    rgb[torch.from_numpy(disc(radius=49.0))] = 1.0  # the outline's pixels themselves are black
    cutout = cutout_of(disc(), rgb)
    found = surface(ball(), cutout.rgba[..., 3], FAR, 20_000)
    mesh = textured(found, torch.ones(3, GRID, GRID), cutout, FAR, "ball")
    assert mesh.materials[0].texture.min() > 0.999


def test_resizing_lets_no_colour_in_from_outside():
    rgba = torch.zeros(1, 4, 64, 64)
    rgba[:, 0] = 1.0  # red outside
    rgba[:, :, 10:54, 10:54] = torch.tensor([0, 1.0, 0, 1])[:, None, None]
    small = resized(rgba, 30)
    known = small[:, 3] > 0.01
    assert small[:, 0][known].max() == 0 and small[:, 1][known].min() > 0.99
    assert on_grey(small)[0, :, 0, 0].tolist() == [0.5] * 3


def test_a_mirrored_cutout_is_seen_mirrored():
    head, network = ShapeHead(wide=32, fine=8), Transformer(layers=12)
    cutout = cutout_of(masks()["thin"])
    cutout = replace(cutout, up=(0.3, 0.9, 0.3))
    there = replace(
        cutout, rgba=cutout.rgba.flip(1), visible=cutout.visible.flip(1), up=(-0.3, 0.9, 0.3)
    )
    once, again = (seen(one, 2.0, head, network) for one in (cutout, there))
    torch.testing.assert_close(again.solid, once.solid.flip(-1))
    torch.testing.assert_close(again.back, once.back.flip(-1))


def test_what_touches_the_ground_lies_where_its_clue_says():
    pitch, focal = math.radians(25.0), 1.8
    up = torch.tensor([0.1, math.cos(pitch), math.sin(pitch)])
    up = up / up.norm()
    height = torch.randn(2, 500) * 0.2  # x, z of points; y by the plane through the first pixel
    alpha = torch.zeros(1, CLOSE, CLOSE)
    alpha[0, 100, 30] = 1
    foot = torch.tensor([30.5 / CLOSE - 0.5, 0.5 - 100.5 / CLOSE, 0.0])
    x, z = height
    y = (up @ foot - up[0] * x - up[2] * z) / up[1]
    wide = 1 - z / focal
    clue = ground_depth(alpha, torch.tensor([focal]), up[None]) * FARTHEST
    grid = torch.stack([2 * x / wide, -2 * y / wide], -1)[None, None]
    said = grid_sample(clue, grid, align_corners=False)[0, 0, 0]
    kept = (grid[0, 0].abs() < 0.9).all(-1) & (z > -0.4)
    assert kept.sum() > 100
    torch.testing.assert_close(said[kept], z[kept], atol=0.02, rtol=0)


def test_without_upright_there_is_no_clue():
    clue = ground_depth(torch.ones(1, CLOSE, CLOSE), torch.tensor([2.0]), torch.zeros(1, 3))
    assert clue.abs().max() == 0


@pytest.fixture
def guess(monkeypatch):
    """An embedded reconstructor whose network says what the test wants."""

    def answering(logits: torch.Tensor):
        answer = Shape(logits[None], torch.full((1, 3, GRID, GRID), 0.5))
        monkeypatch.setattr(embedded, "seen", lambda *_: answer)
        monkeypatch.setattr(embedded, "_network", lambda _: None)
        monkeypatch.setattr(embedded, "packaged", lambda _: None)

    return answering


def test_a_clear_guess_is_taken_without_a_word(guess):
    guess(ball())
    said: list[str] = []
    mesh = EmbeddedReconstructor(note=said.append)(cutout_of(disc()), "ball")
    assert solid(mesh).volume == pytest.approx(math.pi / 6, rel=0.1)  # seen through a usual lens
    assert not said


def test_an_unclear_guess_is_inflated_and_said(guess):
    guess(torch.full((GRID, GRID, GRID), -3.0))
    said: list[str] = []
    mesh = EmbeddedReconstructor(note=said.append)(cutout_of(disc()), "ball")
    assert solid(mesh).is_watertight
    assert len(said) == 1 and "inflated" in said[0]


def test_an_empty_cutout_is_refused():
    with pytest.raises(InputError, match="opaque"):
        EmbeddedReconstructor()(cutout_of(np.zeros((20, 20))), "nothing")


def test_overlap_is_expected_to_be_whole_where_the_guess_is_sure():
    alpha = torch.from_numpy(disc()).double()
    assert best_choice(1000 * ball(), alpha).overlap == pytest.approx(1, abs=1e-3)


def test_all_cells_are_taken_where_none_is_likelier_than_another():
    choice = best_choice(torch.full((GRID, GRID, GRID), -2.0), torch.ones(40, 40))
    assert choice.overlap == pytest.approx(1 / (1 + math.exp(2)))
    assert choice.logit < -2


def test_nothing_promises_nothing():
    assert best_choice(torch.zeros(GRID, GRID, GRID), torch.zeros(40, 40)).overlap == 0


def test_no_other_cut_promises_more():
    logits = 3 * torch.randn(GRID, GRID, GRID) - 2
    choice, chance = best_choice(logits, torch.ones(40, 40)), logits.sigmoid()
    for cut in (0.5 * choice.likely, choice.likely, 0.5, 0.9):
        taken = chance >= cut
        promise = chance[taken].sum() / (taken.sum() + chance[~taken].sum())
        assert promise <= choice.overlap + 1e-4
        assert (cut == choice.likely) == (promise > choice.overlap - 1e-4)


@pytest.mark.weights
def test_the_shipped_network_sees_a_ball_as_about_as_deep_as_wide():
    y, x = np.mgrid[:128, :128] / 128 - 0.5
    lit = torch.from_numpy(0.3 + 0.6 * np.clip(1 - (x**2 + (y + 0.2) ** 2) / 0.3, 0, 1))
    cutout = cutout_of(disc(), lit[..., None] * torch.tensor([0.9, 0.5, 0.3]))
    said: list[str] = []
    backend = EmbeddedReconstructor(note=said.append)
    mesh, again = backend(cutout, "ball"), backend(cutout, "ball")
    backend.close()
    assert not said
    torch.testing.assert_close(again.vertices, mesh.vertices, rtol=0, atol=0)
    size = mesh.bounds[1] - mesh.bounds[0]
    assert 0.5 < float(size[2] / size[0]) < 1.6
    assert solid(mesh).is_watertight
