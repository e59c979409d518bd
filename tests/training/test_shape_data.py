"""Models as solids, views of them, and how meshes are scored against them."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

pytest.importorskip("embreex", reason="training needs embreex")
pytest.importorskip("igl", reason="training needs libigl")

from reparo.scene import Mesh
from training import solids
from training.shape import views
from training.shape.measure import as_cutout, meshed
from training.shape.score import Truth, score
from training.solids import VOXELS, Solid, solid, thickened


def mesh_of(shape: trimesh.Trimesh, faces: np.ndarray | None = None) -> Mesh:
    chosen = shape.faces if faces is None else faces
    return Mesh.plain(
        torch.from_numpy(np.array(shape.vertices)).float(), torch.from_numpy(np.array(chosen))
    )


def box(*without: tuple[int, int], size: tuple[float, float, float] = (1.0, 0.6, 0.8)) -> Mesh:
    """A box without some sides: (axis, which end)."""
    shape = trimesh.creation.box(size)
    away = shape.face_normals
    kept = [not any(way[axis] * end > 0.9 for axis, end in without) for way in away]
    return mesh_of(shape, shape.faces[kept])


def share(made: Solid) -> float:
    """Of the box of 1 x 0.6 x 0.8 that is inside."""
    return made.inside.sum() / VOXELS**3 / 0.48


def test_a_closed_box_is_all_inside():
    assert share(solid(box())) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("missing", [(1, -1), (2, -1)], ids=["bottom", "back"])
def test_a_box_without_its_bottom_or_back_is_still_solid(missing):
    assert share(solid(box(missing))) > 0.9


@pytest.mark.parametrize("missing", [(1, 1), (2, 1)], ids=["lid", "front"])
def test_a_box_without_its_lid_or_front_is_hollow(missing):
    made = solid(box(missing))
    assert share(made) < 0.25
    middle = tuple(np.array(made.inside.shape) // 2)
    assert not made.inside[middle]


def test_turned_and_doubled_faces_change_nothing():
    whole = box()
    faces = whole.faces.clone()
    faces[::2] = faces[::2].flip(1)
    doubled = replace(
        whole,
        faces=torch.cat([faces, faces.flip(1)]),
        face_material=torch.zeros(2 * len(faces), dtype=torch.long),
    )
    assert (solid(doubled).inside == solid(whole).inside).mean() > 0.995


def test_a_sheet_is_two_voxels_thick():
    sheet = mesh_of(trimesh.creation.box((1.0, 1.0, 1e-4)))
    count = solid(sheet).inside.sum() / VOXELS**2
    assert 1.5 < count < 3.2


def test_only_what_is_thin_is_thickened():
    cube = np.zeros((9, 9, 9), bool)
    cube[3:6, 3:6, 3:6] = True
    assert (thickened(cube) == cube).all()
    sheet = np.zeros((9, 9, 9), bool)
    sheet[4] = True
    assert thickened(sheet).sum() == 2 * 81


@pytest.fixture(scope="module")
def ball() -> tuple[Mesh, Solid]:
    torch.set_default_dtype(torch.float32)
    mesh = mesh_of(trimesh.creation.icosphere(4, 0.5))
    return mesh, solid(mesh)


def test_a_solids_share_is_what_was_put_in(ball):
    points = torch.tensor([[0.0, 0, 0], [0.45, 0, 0], [0.6, 0, 0]])
    assert ball[1].sampled(points, np.eye(4)).tolist() == [1, 1, 0]
    moved = np.eye(4)
    moved[:3, 3] = [0.4, 0, 0]
    assert ball[1].sampled(points, moved).tolist() == [1, 0, 0]


def test_a_view_fills_its_share_and_the_solid_fits_the_outline(ball):
    rng = np.random.default_rng(0)
    for _ in range(3):
        made = views.one(*ball, rng)
        alpha = made["rgba"][..., 3] >= 128
        rows, columns = (np.flatnonzero(alpha.any(axis)) for axis in (1, 0))
        for found in (rows, columns):
            assert np.ptp(found) / views.PIXELS == pytest.approx(views.SHARE, abs=0.02)
            assert found.mean() == pytest.approx(views.PIXELS / 2, abs=1.5)
        small = alpha[1::7, 1::7][:, :]  # about 32 x 32
        solid_there = (made["occupancy"] >= 128).any(0)[::2, ::2]
        both = (small & solid_there).sum() / (small | solid_there).sum()
        assert both > 0.9
        z = np.flatnonzero((made["occupancy"] >= 128).any((1, 2)))
        assert z.mean() == pytest.approx(views.GRID / 2 - 0.5, abs=1.5)


def test_a_view_in_which_nothing_shows_is_made_anew(ball, monkeypatch):
    seen = views.one(*ball, np.random.default_rng(0))
    empty = {**seen, "rgba": 0 * seen["rgba"]}
    made = iter([empty, empty, seen, empty])
    monkeypatch.setattr(views, "one", lambda *_: next(made))
    assert views.shown(*ball, np.random.default_rng(0)) is seen


def test_the_truth_scores_well_and_a_thinner_mesh_worse(ball):
    rng = np.random.default_rng(1)
    made = views.one(*ball, rng)
    focal = float(made["focal"])
    truth = Truth.of(ball[1], made["pose"].astype(float), focal)
    assert truth.cells.mean() == pytest.approx(math.pi / 6 / 1.2**3, rel=0.12)
    cutout = as_cutout(made["rgba"], focal, made["up"])
    logits = 12 * (torch.from_numpy(made["occupancy"]).float() / 255 - 0.5)
    outline = cutout.rgba[..., 3].numpy()
    right = score(meshed(logits, cutout, focal), truth, outline)
    assert right.watertight and right.not_iou < 0.1 and right.chamfer < 0.02
    flat = logits.clone()
    flat[:24], flat[40:] = -6, -6
    wrong = score(meshed(flat, cutout, focal), truth, outline)
    assert wrong.not_iou > 2 * right.not_iou and wrong.chamfer > 2 * right.chamfer


def test_where_a_mesh_stands_along_the_axis_does_not_count(ball):
    mesh, shape = ball
    rng = np.random.default_rng(2)
    made = views.one(mesh, shape, rng)
    focal = float(made["focal"])
    truth = Truth.of(shape, made["pose"].astype(float), focal)
    outline = made["rgba"][..., 3] / 255
    first, second = (
        score(replace(mesh, vertices=0.3 * mesh.vertices + shift), truth, outline)
        for shift in (torch.zeros(3), torch.tensor([3.0, -1.0, 2.0]))
    )
    assert first.not_iou == pytest.approx(second.not_iou, abs=1e-3)
    assert first.not_iou < 0.1


def test_the_library_is_untouched_by_paint(ball):
    mesh = ball[0]
    before = mesh.materials[0].base_colour
    for seed in range(5):
        views.repainted(mesh, np.random.default_rng(seed))
    assert mesh.materials[0].base_colour == before


def test_solids_are_kept_as_they_are(tmp_path, ball):
    made = ball[1]
    np.savez(
        tmp_path / "ball.npz",
        inside=np.packbits(made.inside),
        shape=np.array(made.inside.shape),
        corner=made.corner,
    )
    again = solids.load(tmp_path, "ball")
    assert (again.inside == made.inside).all() and (again.corner == made.corner).all()


def test_views_of_made_up_pieces_are_written_and_kept(tmp_path):
    views.main(tmp_path, tmp_path, tmp_path / "out", views=1, built=2)
    made = sorted((tmp_path / "out").glob("*.npz"))
    assert len(made) == 2
    kept, before = np.load(made[0]), made[0].stat().st_mtime_ns
    assert np.linalg.norm(kept["up"][0]) == pytest.approx(1) and kept["up"][0, 1] > 0.5
    views.main(tmp_path, tmp_path, tmp_path / "out", views=1, built=2)
    assert made[0].stat().st_mtime_ns == before
