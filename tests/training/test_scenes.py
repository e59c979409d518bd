"""Made-up scenes: what is said of a picture is true of it, and it comes from its seed alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

pytest.importorskip("embreex", reason="training needs embreex")

from reparo.scene import Material, Mesh
from training.clutter import Wall, clutter
from training.film import developed
from training.library import is_held_out, model, names
from training.light import Light, smoothed
from training.picture import View, look
from training.rays import World
from training.room import Make, random_room, random_view
from training.scenes import Plan, make
from training.shine import mirrored, random_shine
from training.stock import Stock, together

SIDE = 64


def mesh_of(shape: trimesh.Trimesh) -> Mesh:
    return Mesh.plain(
        torch.from_numpy(np.array(shape.vertices)).float(),
        torch.from_numpy(np.array(shape.faces)),
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    """A few plain solids of furniture's size."""
    folder = tmp_path_factory.mktemp("library")
    shapes = [trimesh.creation.box((1, 0.6, 0.4)), trimesh.creation.icosphere(2, 0.5)]
    for number in range(12):
        mesh = mesh_of(shapes[number % 2])
        np.savez(
            folder / f"thing{number}.npz",
            vertices=mesh.vertices.numpy(),
            faces=mesh.faces.numpy().astype("i4"),
            uv=np.zeros((len(mesh.vertices), 2), "f4"),
            face_material=np.zeros(len(mesh.faces), "i2"),
            colours=np.array([[0.6, 0.4, 0.2, 1]], "f4"),
            size=np.float32(0.8),
        )
    return folder


def view(side: int = SIDE) -> View:
    return View(np.eye(3), np.zeros(3), np.radians(60), side)


def dark(**changes: object) -> Light:
    usual = {
        "sun": np.array([0.0, 1, 0]),
        "softness": 0.0,
        "sun_colour": np.zeros(3),
        "sky": np.full((8, 16, 3), 0.5),
    }
    return Light(**(usual | changes))  # pyright: ignore


def ball(x: float, y: float, z: float) -> Mesh:
    shape = trimesh.creation.icosphere(4, 0.5)
    shape.apply_translation((x, y, z))
    return mesh_of(shape)


def floor() -> Mesh:
    return mesh_of(trimesh.creation.box(bounds=[[-9, -1.1, -9], [9, -1, 9]]))


def test_disparity_is_one_over_the_distance_along_the_axis():
    truth = look(World([ball(0, 0, -3)]), view(), dark(), np.random.default_rng(0))
    assert truth.disparity[SIDE // 2, SIDE // 2] == pytest.approx(1 / 2.5, rel=1e-3)
    assert truth.index[SIDE // 2, SIDE // 2] == 0
    assert truth.index[0, 0] == -1 and truth.disparity[0, 0] == 0


def test_the_sun_casts_a_shadow_and_plain_floor_has_no_grain():
    light = dark(sun_colour=np.ones(3), sky=np.full((8, 16, 3), 0.05))
    world = World([ball(0, -0.4, -3), floor()])
    rng = np.random.default_rng(3)
    said = [look(world, view(256), light, rng).rgb.astype(float).mean(-1) for _ in range(3)]
    rgb = np.median(said, 0)  # some pictures have a camera's noise
    under, beside = rgb[128 + 80, 128], rgb[128 + 80, 20:50]
    assert under < 0.5 * beside.mean()
    assert beside.std() < 0.05 * beside.mean()


def test_smoothing_keeps_what_is_even_and_stops_at_edges():
    rng = np.random.default_rng(0)
    same = np.zeros((SIDE, SIDE), int)
    same[:, SIDE // 2 :] = 1
    normal = np.tile(np.array([0.0, 1, 0], "f4"), (SIDE, SIDE, 1))
    level = np.where(same[..., None] > 0, 3.0, 1.0).astype("f4")
    assert smoothed(level, same, normal, (1, 2, 4)) == pytest.approx(level)
    noisy = level + 0.2 * rng.normal(size=level.shape).astype("f4")
    left = smoothed(noisy, same, normal, (1, 2, 4))
    assert np.abs(left - level).mean() < 0.2 * np.abs(noisy - level).mean()


def test_a_seed_gives_one_scene_and_another_another(library, tmp_path):
    kept = []
    for folder, number in (("a", 0), ("b", 0), ("a", 1)):
        (tmp_path / folder).mkdir(exist_ok=True)
        make(Plan(library, tmp_path / folder, close=True, side=SIDE), number)
        kept.append(np.load(tmp_path / folder / f"{number:05d}.npz"))
    assert all(np.array_equal(kept[0][key], kept[1][key]) for key in kept[0])
    assert not np.array_equal(kept[0]["rgb"], kept[2]["rgb"])


@pytest.mark.parametrize("held_out", [False, True])
def test_a_scene_has_models_of_its_side_and_masks_that_hold_what_shows(library, tmp_path, held_out):
    allowed = names(library, held_out)
    if not allowed:
        pytest.fail("the library has models of both sides")
    for number in range(3):
        make(Plan(library, tmp_path, held_out, side=SIDE), number)
        kept = np.load(tmp_path / f"{number:05d}.npz")
        count, shape = len(kept["names"]), kept["index"].shape
        full = np.unpackbits(kept["full"], count=count * kept["index"].size)
        full = full.reshape(count, *shape).astype(bool)
        assert set(kept["names"]) <= set(allowed)
        assert all(is_held_out(name) == held_out for name in kept["names"])
        for place in range(count):
            shown = kept["index"] == place + 1
            assert shown.sum() >= 60
            assert (full[place] | ~shown).mean() > 0.999


def test_clutter_stands_before_its_wall_and_on_the_floor(library):
    along, out = np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
    wall = Wall(np.array([0, 0, -4.0]), along, out, 2.5, 2.0)
    rng = np.random.default_rng(0)
    made = [mesh for _ in range(5) for mesh in clutter(rng, Stock(library), wall, 1.0)]
    assert len(made) > 20
    low = np.stack([mesh.bounds[0].numpy() for mesh in made])
    assert low[:, 1].min() > -1e-4 and low[:, 2].min() > -4.2


def test_varied_things_are_made_up_bent_or_grown_together_and_none_is_held_out(library):
    rng = np.random.default_rng(0)
    plain = {name: model(library, name).mesh for name in names(library, held_out=False)}
    things = [Stock(library, varied=True).one(rng) for _ in range(80)]
    single = [one for one in things if "+" not in one.name]
    built = [one for one in single if one.name not in plain]
    assert 10 < len(things) - len(single) < 40 and 10 < len(built) < 40
    assert len({one.name for one in built}) == len(built)
    bent = [
        not torch.equal(one.mesh.vertices, plain[one.name].vertices)
        for one in single
        if one.name in plain
    ]
    assert 0.4 < np.mean(bent) <= 1
    parts = {name for one in things for name in one.name.split("+")}
    assert not any(is_held_out(name) for name in parts if name in names(library, held_out=True))
    same = [Stock(library).one(rng) for _ in range(10)]
    assert all(torch.equal(one.mesh.vertices, plain[one.name].vertices) for one in same)


def test_a_jumble_is_one_thing_in_the_unit_cube_with_all_its_looks(library):
    stock, rng = Stock(library, varied=True), np.random.default_rng(1)
    jumbles = [one for one in (stock.one(rng) for _ in range(40)) if "+" in one.name]
    for one in jumbles:
        low, high = one.mesh.bounds
        assert float((high - low).max()) == pytest.approx(1, abs=1e-4)
        assert float((high + low).abs().max()) < 1e-4
        assert one.mesh.faces.max() < len(one.mesh.vertices)
        assert one.mesh.face_material.max() < len(one.mesh.materials)
        assert 2 <= len(one.name.split("+")) <= 5


def test_together_keeps_each_part_where_it_is():
    one, other = ball(0, 0, -3), replace(floor(), materials=(Material((1.0, 0.0, 0.0, 1.0)),))
    both, apart = World([together([one, other])]), World([one, other])
    rays = view().rays()
    start = np.zeros_like(rays)
    for found, truth in zip(
        *(
            (hits.distance, hits.colour)
            for hits in (both.first(start, rays), apart.first(start, rays))
        ),
        strict=True,
    ):
        assert found == pytest.approx(truth)


def test_a_long_lens_sees_from_farther_off_what_another_sees():
    rng, spans, fields = np.random.default_rng(0), [], []
    for _ in range(300):
        view, (near, _) = random_view(rng, Make(True, True, varied=True), SIDE)
        fields.append(np.degrees(view.fov_y))
        spans.append(near * np.tan(view.fov_y / 2))
    assert 20 <= min(fields) < 25 and 60 < max(fields) <= 70
    assert max(spans) / min(spans) < 3.5  # as the distances at one lens do


def test_often_a_large_thing_is_in_front_of_all_others(library):
    stock, rng = Stock(library, varied=True), np.random.default_rng(0)
    first = []
    for _ in range(40):
        room = random_room(rng, stock, close=True, side=SIDE)
        index = look(World(room.objects), room.view, dark(), rng).index
        depth = [room.view.seen(mesh.vertices.numpy().astype(float))[1] for mesh in room.objects]
        nearest = all(depth[0].min() <= other.min() for other in depth)
        first.append(nearest and (index == 0).mean() > 0.1)
    assert np.mean(first) > 0.4


def test_a_film_changes_colours_and_sharpness_and_moves_nothing():
    rng = np.random.default_rng(0)
    picture = np.full((SIDE, SIDE, 3), 60, np.uint8)
    picture[20:40, 10:50] = (200, 120, 90)
    shown = [developed(picture, rng) for _ in range(60)]
    assert all(one.shape == picture.shape and one.dtype == np.uint8 for one in shown)
    assert len({one.tobytes() for one in shown}) == len(shown)
    light = np.stack([one.astype(float).sum(-1) for one in shown])
    inside, outside = light[:, 24:36, 14:46].mean((1, 2)), light[:, :16].mean((1, 2))
    assert (inside > outside + 20).mean() > 0.95
    grey = [(np.ptp(one[24:36, 14:46].reshape(-1, 3).mean(0)) < 3) for one in shown]
    assert 0 < np.mean(grey) < 0.4


def test_a_framed_thing_is_whole_and_stands_on_the_floor(library):
    stock, make = Stock(library, varied=True), Make(True, True, True, front=True, framed=True)
    for seed in range(8):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Make, "random", lambda *_: make)
            room = random_room(np.random.default_rng(seed), stock, close=True, side=SIDE)
        pixels, _ = room.view.seen(room.objects[0].vertices.numpy().astype(float))
        wide, high = np.ptp(pixels, 0)
        assert (np.ptp(pixels.clip(0, SIDE), 0) >= 0.97 * np.array([wide, high]) - 1e-6).all()
        assert wide * high >= 0.12 * SIDE**2
        assert float(room.objects[0].vertices[:, 1].min()) == pytest.approx(0, abs=1e-4)


def test_a_mirror_shows_what_lies_where_it_points():
    """A floor one below the eye: a ball beyond it is seen in it, the sky elsewhere."""
    sky = np.zeros((8, 16, 3))
    sky[:4] = (0.2, 0.4, 0.6)  # above the horizon
    light = dark(sky=sky)
    world = World([floor(), ball(0, 0, -4)])
    rays = np.array([[0, -0.5, -1], [0.8, -0.5, -1], [0, 1.0, -1]], "f4")
    hits = world.first(np.zeros_like(rays), rays)
    share, seen = mirrored(world, light, np.zeros(3), rays, hits, np.array([1.0, 0.0]))
    assert hits.mesh.tolist() == [0, 0, -1]
    assert share[:, 0] == pytest.approx([1, 1, 0])
    assert seen[1] == pytest.approx([0.2, 0.4, 0.6])
    assert len(set(seen[0].round(5))) == 1 and seen[0, 0] > 0  # the ball is white


def test_what_is_looked_at_flatly_mirrors_more_and_dull_things_not_at_all():
    world, light = World([floor()]), dark()
    rays = np.array([[0, -1, -1], [0, -1, -3], [0, -1, -7]], "f4")
    hits = world.first(np.zeros_like(rays), rays)
    share, _ = mirrored(world, light, np.zeros(3), rays, hits, np.array([0.1]))
    assert 0.1 < share[0, 0] < share[1, 0] < share[2, 0] < 1
    assert not mirrored(world, light, np.zeros(3), rays, hits, np.zeros(1))[0].any()


def test_some_scenes_are_dull_and_in_others_some_things_shine():
    rng = np.random.default_rng(0)
    shines = [random_shine(rng, 10) for _ in range(100)]
    assert 0.2 < np.mean([not one.any() for one in shines]) < 0.6
    assert all(((one == 0) | ((one >= 0.02) & (one <= 0.5))).all() for one in shines)
