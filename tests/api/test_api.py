"""The library's two verbs from memory objects."""

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

import reparo
from reparo.errors import InputError, MissingWeights
from reparo.files.layout_json import read_layout
from reparo.files.meshes import read_mesh
from reparo.scene import Camera, Depth, Photo, Start

SIZE = (48, 64)


@pytest.fixture
def picture():
    """A box in front of the camera: pixels and mask."""
    torch.set_default_dtype(torch.float32)  # as users have it
    mask = np.zeros(SIZE, np.uint8)
    mask[16:36, 20:44] = 255
    pixels = np.full((*SIZE, 3), 200, np.uint8)
    pixels[mask > 0] = [180, 60, 40]
    return pixels, mask


def test_align_takes_memory_objects_and_saves_a_result(picture, tmp_path):
    pixels, mask = picture
    rounds = []
    found = reparo.align(
        {"box": trimesh.creation.box()},
        pixels,
        masks={"box": mask},
        depth=np.full(SIZE, 3.0, np.float32),
        fov_y_deg=45.0,
        callback=rounds.append,
    )
    assert found.scene.names == ("box",)
    assert found.seconds
    assert {one.step for one in rounds} == {"match", "polish", "settle"}
    assert all(one.layout.translation.shape == (1, 3) for one in rounds)
    z = found.scene.camera.project(found.scene.layout.translation)[1]
    assert float(z[0]) == pytest.approx(3.0, abs=1.0)  # the map shows its front, or near it
    found.save(tmp_path / "out")
    assert read_layout(tmp_path / "out/layout.json").names == ("box",)
    assert (tmp_path / "out/preview.png").exists()
    assert found.world.metric  # as the depth map is
    (exported,) = found.export(tmp_path / "obj", "obj", backdrop=True)
    assert "o backdrop" in exported.read_text()
    (exported,) = reparo.export(tmp_path / "out", ["obj"], folder=tmp_path / "other")
    assert "unit: metres" in exported.read_text()
    assert (tmp_path / "out/alignment.gif").exists()
    html = found._repr_html_()
    assert html.count("<img") == 1 and 'src="data:image/webp;base64,' in html
    assert "1 object, laid out by fast" in html and "middle (x, y, z) in metres" in html
    assert len(html) < 100_000


def test_the_film_shows_an_object_finding_its_place(picture, tmp_path):
    pixels, mask = picture
    start = Start(torch.tensor([1.0, 0, 0, 0]), torch.tensor([0.7, 0.4, -3.0]), 0.6)
    found = reparo.align(
        {"box": trimesh.creation.box()},
        pixels,
        masks={"box": mask},
        start={"box": start},
        fov_y_deg=45.0,
    )
    found.save(tmp_path / "out")
    with Image.open(tmp_path / "out/alignment.gif") as film:
        assert film.n_frames > 3


@pytest.mark.parametrize("kind", ["record", "trimesh", "path", "coloured"])
def test_a_mesh_may_come_in_any_form(kind, tmp_path):
    from reparo.api.doors import as_mesh

    box = trimesh.creation.box()
    if kind == "coloured":
        box.visual.vertex_colors = [200, 100, 50, 255]
    box.export(tmp_path / "box.glb")
    path = tmp_path / "box.glb"
    given = {"record": read_mesh(path), "path": path}.get(kind, box)
    mesh = as_mesh(given, "box")
    torch.testing.assert_close(mesh.bounds, torch.tensor([[-0.5] * 3, [0.5] * 3]))
    if kind == "coloured":
        torch.testing.assert_close(
            mesh.colours[0], torch.tensor([200, 100, 50, 255]) / 255, atol=1e-2, rtol=0
        )


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"masks": {}}, "mask"),
        ({"masks": {"other": np.ones(SIZE, bool)}}, "own name"),
        ({"masks": {"box": np.zeros(SIZE, bool)}}, "'box'"),
        ({"masks": {"box": np.ones((3, 3), bool)}}, "size"),
        ({"meshes": {"box": 3}}, "trimesh"),
        ({"meshes": {}}, "none"),
        ({"image": np.zeros((4, 4), np.uint8)}, "photo"),
        ({"image": "no.png"}, r"no\.png"),
        ({"fov_y_deg": None}, "field of view"),
        ({"fov_y_deg": 180.0}, "field of view"),
        ({"camera_to_world": np.zeros((4, 4))}, "rigid"),
        ({"depth": np.full(SIZE, np.nan)}, "known pixel"),
        ({"depth_kind": "rough", "depth": np.ones(SIZE)}, "rough"),
        ({"method": "best"}, "paper"),
        ({"free": ("wings",)}, "wings"),
    ],
)
def test_wrong_arguments_are_refused(picture, changes, words):
    pixels, mask = picture
    given = {
        "meshes": {"box": trimesh.creation.box()},
        "image": pixels,
        "masks": {"box": mask},
        "fov_y_deg": 45.0,
    } | changes
    with pytest.raises(InputError, match=words):
        reparo.align(**given)


def test_a_photo_may_be_an_array_that_nobody_may_write_to(picture):
    """As `numpy.asarray` of a Pillow picture is; a warning would fail here."""
    pixels = picture[0].copy()
    pixels.flags.writeable = False
    assert (Photo.from_array(pixels[::-1]).to_array() == pixels[::-1]).all()


def test_a_camera_a_photo_and_a_depth_may_be_records():
    from reparo.api.doors import as_camera, as_depth, as_photo

    photo = Photo(torch.zeros(*SIZE, 3), fov_y_deg=33.0)
    assert as_photo(photo) is photo
    assert as_camera(photo, None, None).fov_y_deg == pytest.approx(33)
    pose = np.eye(4)
    pose[:3, 3] = [1, 2, 3]
    assert as_camera(photo, 40.0, pose).world_from_camera.translation.tolist() == [1, 2, 3]
    depth = Depth.from_array(np.ones(SIZE), "scale")
    assert as_depth(depth, "metric") is depth
    assert isinstance(as_camera(photo, 40.0, None), Camera)


def test_missing_networks_are_pulled_and_the_work_goes_on(monkeypatch):
    from reparo.api import networks

    pulled = []
    monkeypatch.setattr(networks.models, "pull", lambda names, progress: pulled.append(names))

    def work():
        if len(pulled) < 2:
            name = "ab"[len(pulled)]
            raise MissingWeights(f"`reparo models pull {name}` brings it", name)
        return "done"

    assert networks.pulling(work, lambda *_: None) == "done"
    assert pulled == [["a"], ["b"]]


@pytest.mark.parametrize("names", [(), ("a",)])
def test_what_no_pull_mends_is_told_and_not_tried_for_ever(monkeypatch, names):
    from reparo.api import networks

    pulled = []
    monkeypatch.setattr(networks.models, "pull", lambda names, progress: pulled.append(names))

    def work():
        raise MissingWeights("not there", *names)

    with pytest.raises(MissingWeights, match="not there"):
        networks.pulling(work, lambda *_: None)
    assert pulled == [[name] for name in names]


def test_networks_that_cannot_be_pulled_are_named_with_the_command(monkeypatch):
    from reparo.api import networks

    def offline(names, progress):
        raise MissingWeights("no network")

    def work():
        raise MissingWeights("`reparo models pull embedded` brings it", "embedded")

    monkeypatch.setattr(networks.models, "pull", offline)
    with pytest.raises(MissingWeights, match=r"`reparo models pull embedded`.*no network"):
        networks.pulling(work, lambda *_: None)
