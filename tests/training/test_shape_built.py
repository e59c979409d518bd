"""Forms and pieces made up for the shape head's training, and models bent into others."""

import numpy as np
import pytest
import torch
import trimesh

pytest.importorskip("embreex", reason="training needs embreex")
pytest.importorskip("igl", reason="training needs libigl")

import igl

from training.shape import views
from training.shape.bend import Bend, BentSolid
from training.shape.built import KINDS, joined, piece
from training.shape.forms import Ball, Box, Cut, Form, Lump, Ring, Rod, Turned
from training.shape.pile import Pile, any_turn, outline
from training.shape.split import is_held_out, is_watched
from training.solids import VOXELS, Solid

RNG = np.random.default_rng(0)
CONE = np.array([[-0.5, 0.5], [0.1, 0.6], [0.5, 0.2]])
CUP = np.array([[-0.5, 0.3], [0.5, 0.5]])
FORMS: dict[str, Form] = {
    "box": Box(np.array([0.5, 0.3, 0.8])),
    "cushion": Ball(np.array([0.5, 0.3, 0.8]), 4),
    "lump": Lump(0.6, RNG.normal(size=(4, 3)) * 2, np.full(4, 0.08), RNG.uniform(0, 6, 4)),
    "turned": Turned(CONE),
    "three-sided": Turned(CONE, 3),
    "six-sided": Turned(CONE, 6),
    "cup": Turned(CUP, 32, np.array([[-0.4, 0.2], [0.5, 0.4]])),
    "ring": Ring(0.5, 0.2),
    "rod": Rod(np.array([0.1, 0.2, -0.3]), np.array([0.6, -0.2, 0.5]), 0.15),
    "star": Cut(outline(np.random.default_rng(3), 9), 0.2),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_forms_inside_is_its_meshs(name):
    vertices, faces = FORMS[name].mesh()
    mesh = trimesh.Trimesh(vertices, faces)
    mesh.merge_vertices()
    mesh.update_faces(mesh.nondegenerate_faces())
    assert mesh.is_watertight and mesh.volume > 0
    points = np.random.default_rng(1).uniform(-1, 1, (4000, 3))
    around = igl.fast_winding_number(vertices, faces.astype(np.int64), points) > 0.5
    assert (FORMS[name].inside(points, 1e-4) == around).mean() > 0.99


@pytest.mark.parametrize("name", ["box", "rod", "ring"])
def test_no_form_is_thinner_than_two_cells(name):
    thin = {
        "box": Box(np.array([0.5, 1e-3, 0.5])),
        "rod": Rod(np.array([-0.5, 0, 0]), np.array([0.5, 0, 0]), 1e-3),
        "ring": Ring(0.5, 1e-3),
    }[name]
    start = np.array([0.0, 0, 0.5 if name == "ring" else 0.0])
    heights = np.linspace(-0.1, 0.1, 201)
    points = start + np.stack([0 * heights, heights, 0 * heights], -1)
    inside = heights[thin.inside(points, 0.03)]
    assert np.ptp(inside) == pytest.approx(0.06, abs=0.003)


@pytest.mark.parametrize("kind", sorted({kind.__name__ for kind in KINDS}))
def test_each_kind_of_piece_is_closed(kind):
    make = next(one for one in KINDS if one.__name__ == kind)
    for seed in range(4):
        pile = Pile(np.random.default_rng(seed))
        make(pile)
        mesh = joined(pile.parts)
        shape = trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy())
        shape.merge_vertices()
        edges = np.sort(shape.edges, 1)
        _, count = np.unique(edges, axis=0, return_counts=True)
        assert (count % 2 == 0).mean() > 0.99
        assert mesh.vertices.isfinite().all() and len(pile.parts) >= 1


def test_a_piece_fills_the_unit_cube_and_its_solid_is_its_meshs():
    for number in range(12):
        mesh, solid = piece(number)
        low, high = mesh.bounds
        assert float((high - low).max()) == pytest.approx(1, abs=1e-5)
        assert float((low + high).abs().max()) < 1e-5
        points = np.random.default_rng(number).uniform(-0.5, 0.5, (3000, 3))
        points *= (high - low).numpy()
        around = igl.fast_winding_number(mesh.vertices.double().numpy(), mesh.faces.numpy(), points)
        said = solid.sampled(torch.from_numpy(points).float(), np.eye(4)).numpy() >= 0.5
        missing = (around > 0.6) & ~said
        assert missing.mean() < 0.02  # what is thin was made thicker, so more may be inside
        assert (said == (around > 0.5)).mean() > 0.93


def test_a_number_always_gives_the_same_piece():
    (mesh, solid), (again, same) = piece(7), piece(7)
    assert torch.equal(mesh.vertices, again.vertices) and (solid.inside == same.inside).all()


def test_a_bend_is_undone():
    rng = np.random.default_rng(0)
    points = torch.from_numpy(rng.uniform(-0.5, 0.5, (100, 3)))
    for _ in range(20):
        bend = Bend.random(rng)
        torch.testing.assert_close(bend.back(bend.there(points)), points)


def test_a_bent_solid_is_where_its_bent_points_are():
    block = Solid(np.ones((40, 90, 30), bool), np.array([-20, -45, -15]) / VOXELS)
    rng = np.random.default_rng(1)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = 0.7 * any_turn(rng), [0.1, 0.2, -0.1]
    for _ in range(5):
        bent = BentSolid(block, Bend.random(rng))
        there = torch.from_numpy(bent.points[::50])
        undone = (there - torch.from_numpy(matrix[:3, 3])) @ torch.from_numpy(
            np.linalg.inv(matrix[:3, :3]).T
        )
        assert bent.sampled(undone.float(), matrix).min() > 0.49
        assert bent.sampled(undone.float() + 9, matrix).max() == 0


def test_a_bent_views_solid_fits_its_outline():
    mesh, solid = piece(5)
    rng = np.random.default_rng(2)
    for _ in range(3):
        made = views.one(*views.bent(mesh, solid, rng), rng)
        alpha = torch.from_numpy(made["rgba"][..., 3] >= 128)[None].float()
        small = torch.nn.functional.adaptive_avg_pool2d(alpha, 64)[0].numpy() > 0.5
        there = (made["occupancy"] >= 128).any(0)
        assert (small & there).sum() / (small | there).sum() > 0.85


def test_made_up_pieces_are_neither_held_out_nor_watched():
    names = [f"built-{number:06d}" for number in range(200)]
    assert not any(is_held_out(name) or is_watched(name) for name in names)
    assert not any(is_held_out(name) and is_watched(name) for name in "abcdefghijklmnop")
