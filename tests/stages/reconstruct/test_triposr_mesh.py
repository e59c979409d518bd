"""From TripoSR's field to a mesh in the object's frame, with fields of known shape."""

import gc
import weakref

import numpy as np
import pytest
import torch
import trimesh
from tiny_triposr import HALF_AXES, write_ellipsoid, write_random

from reparo import contracts, registry
from reparo.errors import InputError, MissingWeights
from reparo.scene import Cutout, Mesh
from reparo.stages.reconstruct.triposr import load
from reparo.stages.reconstruct.triposr.backend import TripoSrReconstructor, _model
from reparo.stages.reconstruct.triposr.framing import framed
from reparo.stages.reconstruct.triposr.mesh import Cutting, density_grid, large_parts, surface

FRAME = torch.eye(2, 3)


def cutout(side: int = 40, box: tuple[int, int, int, int] = (5, 35, 10, 30)) -> Cutout:
    """A red box (top, bottom, left, right) on nothing."""
    opaque = torch.zeros(side, side, dtype=torch.bool)
    opaque[box[0] : box[1], box[2] : box[3]] = True
    rgba = torch.zeros(side, side, 4, dtype=torch.float64)
    rgba[..., 1] = 0.3  # what lies under alpha 0 does not count
    rgba[opaque] = rgba.new_tensor([1.0, 0.0, 0.0, 1.0])
    return Cutout(rgba, opaque, FRAME)


def solid(mesh: Mesh) -> trimesh.Trimesh:
    return trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy(), process=False)


@pytest.fixture(scope="module")
def ellipsoid(tmp_path_factory) -> Mesh:
    folder = write_ellipsoid(tmp_path_factory.mktemp("ellipsoid"))
    return TripoSrReconstructor(folder, resolution=48, device="cpu")(cutout(), "egg")


def test_its_longest_axis_to_the_viewer_is_z_and_its_shortest_upwards_y(ellipsoid):
    """Half axes to the viewer, to the right, up; the longest side becomes 1, the centre 0."""
    front, right, up = (axis / HALF_AXES[0] for axis in HALF_AXES)
    lengths = ellipsoid.bounds[1] - ellipsoid.bounds[0]
    torch.testing.assert_close(lengths, torch.tensor([right, up, front]), atol=0.02, rtol=0)
    torch.testing.assert_close(ellipsoid.bounds.sum(0), torch.zeros(3), atol=1e-9, rtol=0)


def test_colours_stay_where_they_are_in_the_field(ellipsoid):
    """Red grows to the viewer, green to the right, blue upwards: sigmoid(x) of TripoSR's units."""
    place = ellipsoid.vertices[:, [2, 0, 1]] * 2 * HALF_AXES[0]
    torch.testing.assert_close(ellipsoid.colours[:, :3], place.sigmoid(), atol=0.02, rtol=0)
    assert (ellipsoid.colours[:, 3] == 1).all()


def test_the_mesh_is_closed_whole_and_outside_out(ellipsoid):
    body = solid(ellipsoid)
    assert body.is_watertight and body.is_winding_consistent
    assert body.body_count == 1
    volume = np.pi / 6 * (HALF_AXES[1] / HALF_AXES[0]) * (HALF_AXES[2] / HALF_AXES[0])
    assert body.volume == pytest.approx(volume, rel=0.05)  # planes of 32 cells
    assert ellipsoid.vertices.dtype == torch.float64  # as the cut-out


def test_the_surface_lies_where_the_density_is_the_threshold(tmp_path):
    model = load(write_ellipsoid(tmp_path))
    planes = model.triplanes(torch.rand(8, 8, 3))
    found = surface(model, planes, Cutting(resolution=96))
    density, _ = model.query(planes, torch.from_numpy(found.vertices))
    assert float((density.log() - np.log(25)).abs().median()) < 1e-3  # 4 % if cut linearly
    radii = np.linalg.norm(found.vertices / HALF_AXES, axis=1)
    assert np.abs(radii - 1).max() < 0.05


def test_chunks_change_nothing(tmp_path):
    model = load(write_random(tmp_path))
    planes = model.triplanes(torch.rand(8, 8, 3))
    at_once = density_grid(model, planes, 12, 12**3)
    in_parts = density_grid(model, planes, 12, 100)
    np.testing.assert_allclose(in_parts, at_once, rtol=1e-5)
    points = torch.linspace(-0.87, 0.87, 12)[torch.tensor([[1, 5, 9], [11, 0, 3]])]
    asked, _ = model.query(planes, points)
    np.testing.assert_allclose(at_once[[1, 11], [5, 0], [9, 3]], asked, rtol=1e-5)


def test_chunks_give_the_same_mesh(tmp_path, ellipsoid):
    folder = write_ellipsoid(tmp_path)
    again = TripoSrReconstructor(folder, resolution=48, chunk=5000, device="cpu")(cutout(), "egg")
    torch.testing.assert_close(again.vertices, ellipsoid.vertices, atol=1e-5, rtol=0)
    torch.testing.assert_close(again.faces, ellipsoid.faces)
    torch.testing.assert_close(again.colours, ellipsoid.colours, atol=1e-5, rtol=0)


def test_what_reaches_the_cubes_border_is_closed_there(tmp_path):
    folder = write_ellipsoid(tmp_path, (3.0, 0.4, 0.4))
    mesh = TripoSrReconstructor(folder, resolution=32, device="cpu")(cutout(), "rod")
    body = solid(mesh)
    assert body.is_watertight and body.volume > 0
    lengths = mesh.bounds[1] - mesh.bounds[0]
    # a little thicker at its ends: as the original's, planes fade to 0 at the cube's border
    expected = torch.tensor([0.4 / 0.87, 0.4 / 0.87, 1.0])
    torch.testing.assert_close(lengths, expected, atol=0.1, rtol=0)


def test_specks_and_hollows_are_dropped_and_large_parts_kept():
    shapes = [
        trimesh.creation.icosphere(radius=1.0),
        trimesh.creation.icosphere(radius=0.05).apply_translation((2, 0, 0)),
        trimesh.creation.icosphere(radius=0.4).apply_translation((0, 3, 0)),
        trimesh.creation.icosphere(radius=0.5),
    ]
    shapes[3].invert()  # inside the first, facing inwards
    whole = trimesh.util.concatenate(shapes)
    vertices, faces = large_parts(np.array(whole.vertices), np.array(whole.faces), 0.01)
    kept = trimesh.Trimesh(vertices, faces, process=False)
    assert kept.is_watertight and kept.body_count == 2
    assert kept.volume == pytest.approx(shapes[0].volume + shapes[2].volume)


def test_the_picture_has_the_object_in_its_middle_on_grey():
    """85 % of the side, whatever the margin of the cut-out."""
    picture = framed(cutout(), "box")
    assert picture.shape == (35, 35, 3)  # 30 / 0.85
    red = picture[..., 0] == 1
    rows, columns = red.any(1).nonzero()[:, 0], red.any(0).nonzero()[:, 0]
    assert (len(rows), len(columns)) == (30, 20)
    assert abs(int(rows[0]) - (34 - int(rows[-1]))) <= 1
    assert abs(int(columns[0]) - (34 - int(columns[-1]))) <= 1
    assert (picture[~red] == 0.5).all()


@pytest.mark.parametrize("box", [(0, 30, 0, 20), (10, 40, 20, 40), (2, 32, 7, 27)])
def test_where_the_cutout_has_its_object_does_not_matter(box):
    """Also where the square leaves the cut-out."""
    torch.testing.assert_close(framed(cutout(box=box), "box"), framed(cutout(), "box"))


def test_a_half_transparent_pixel_is_half_grey():
    half = cutout()
    half.rgba[5, 15, 3] = 0.5
    assert framed(half, "box")[3, 13].tolist() == [0.75, 0.25, 0.25]


def test_it_is_registered_with_its_settings():
    built = registry.create("reconstruct", "triposr", weights="there", resolution=64, chunk=1000)
    assert built == TripoSrReconstructor("there", resolution=64, chunk=1000)


def test_absent_weights_say_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("REPARO_HOME", str(tmp_path))
    with pytest.raises(MissingWeights, match="triposr"):
        TripoSrReconstructor()(cutout(), "box")


def test_a_field_without_a_surface_is_told(tmp_path):
    backend = TripoSrReconstructor(write_ellipsoid(tmp_path), 16, threshold=1e5, device="cpu")
    with pytest.raises(InputError, match=r"saw nothing in the cut-out of 'box'.*100000"):
        backend(cutout(), "box")


def test_an_empty_cutout_is_refused(tmp_path):
    empty = cutout(box=(0, 0, 0, 0))
    with pytest.raises(InputError, match="opaque"):
        TripoSrReconstructor(tmp_path)(empty, "nothing")


@pytest.mark.parametrize("settings", [{"resolution": 1}, {"chunk": 0}, {"threshold": 0.0}])
def test_settings_that_cannot_work_are_refused(tmp_path, settings):
    with pytest.raises(InputError, match="raise them"):
        TripoSrReconstructor(tmp_path, **settings)(cutout(), "box")


def test_a_closed_backend_holds_no_network_and_loads_it_again(tmp_path):
    backend = TripoSrReconstructor(write_ellipsoid(tmp_path), resolution=24, device="cpu")
    assert isinstance(backend, contracts.Closeable)
    backend(cutout(), "egg")
    loaded = _model.cache_info().misses
    network = weakref.ref(_model(tmp_path, "cpu"))
    assert _model.cache_info().misses == loaded and network() is not None
    backend.close()
    gc.collect()
    assert network() is None
    assert len(backend(cutout(), "egg").faces)


def test_less_memory_is_a_coarser_grid_asked_in_smaller_pieces():
    whole = TripoSrReconstructor(resolution=200, chunk=1000)
    assert isinstance(whole, contracts.Shrinkable)
    smaller = whole.smaller()
    assert smaller is not None and (smaller.resolution, smaller.chunk) == (100, 250)
    assert (least := smaller.smaller()) is not None and least.resolution == 64
    assert least.smaller() is None
