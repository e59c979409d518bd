"""Scenes out for simulators: convex parts in the objects' places, read by MuJoCo and yourdfpy."""

from dataclasses import replace
from xml.etree import ElementTree as Xml

import numpy as np
import pytest
import torch
import trimesh
from small_scenes import distance, in_world, textured_box, turn, two_boxes

from reparo.files import mjcf
from reparo.files.bodies import Body, convex_parts, z_up
from reparo.files.exports import write_exports
from reparo.files.staging import World, stage
from reparo.scene import Mesh, Scene, Similarity

pytest.importorskip("coacd", reason="the extra `sim` is not installed")

READERS = "`pip install mujoco yourdfpy` brings the readers"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The URDF and the MJCF of one scene; three kinds of objects would only take longer."""
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    scene, folder = two_boxes(), tmp_path_factory.mktemp("simulators")
    urdf, mjcf = write_exports(folder, ["urdf", "mjcf"], stage(scene, World(ground=-3.0)))
    return scene, urdf, mjcf


def of_mesh(mesh):
    return Mesh.plain(torch.from_numpy(mesh.vertices.copy()), torch.from_numpy(mesh.faces.copy()))


def l_shape():
    """Two boxes that touch, as one closed surface; half of its convex hull is empty."""
    outline = np.array([[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2]], float)
    sides, floor = [], [[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5]]
    for i in range(6):
        j = (i + 1) % 6
        sides += [[i, j, j + 6], [i, j + 6, i + 6]]
    faces = [f[::-1] for f in floor] + [[k + 6 for k in f] for f in floor] + sides
    corners = np.vstack([np.c_[outline, np.zeros(6)], np.c_[outline, np.ones(6)]])
    return trimesh.Trimesh(corners, faces, process=False)


def test_parts_are_convex_and_fill_the_shape():
    shape = l_shape()
    assert shape.is_volume and shape.volume == pytest.approx(3)
    parts = convex_parts(of_mesh(shape))
    assert len(parts) >= 2
    assert all(part.is_convex for part in parts)
    assert sum(part.volume for part in parts) == pytest.approx(3, rel=0.1)  # its hull has 3.5


def test_a_flat_shape_becomes_a_thin_body():
    square = torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]])
    parts = convex_parts(Mesh.plain(square, torch.tensor([[0, 2, 1], [0, 3, 2]])))
    assert all(part.is_volume for part in parts)
    assert sum(part.volume for part in parts) < 0.05


def test_an_object_may_be_called_as_mujoco_calls_what_stands_still():
    still = Xml.Element("worldbody")
    mjcf._body(Xml.Element("asset"), still, Body("world", (0.0, 0.0, 0.0), (), (), (), ()))
    (body,) = still.findall("body")
    assert body.get("name") == "photo_world"


def shown(robot, name, folder):
    """The points of a link's meshes, in its own frame."""
    (link,) = [link for link in robot.findall("link") if link.get("name") == name]
    files = [mesh.get("filename") for mesh in link.findall("visual/geometry/mesh")]
    found = [trimesh.load(folder / file, force="mesh", process=False) for file in files]
    return np.concatenate([mesh.vertices for mesh in found])


def test_a_urdf_has_each_object_in_its_place(written):
    scene, path, _ = written
    robot = Xml.parse(path).getroot()
    assert [link.get("name") for link in robot.findall("link")] == ["world", *scene.names]
    for index, name in enumerate(scene.names):
        (joint,) = [one for one in robot.findall("joint") if one.find("child").get("link") == name]
        place = np.array(joint.find("origin").get("xyz").split(), float)
        points = shown(robot, name, path.parent) + place
        assert distance(torch.from_numpy(points), z_up(in_world(scene, index))) < 1e-6
        alone = Xml.parse(path.parent / f"{name}.urdf").getroot()
        assert [link.get("name") for link in alone.findall("link")] == [name]
        parts = alone.findall("link/collision/geometry/mesh")
        for part in parts:
            assert trimesh.load(path.parent / part.get("filename"), force="mesh").is_convex
        assert parts


def test_weights_are_said_to_be_unknown(written):
    for path in written[1:]:
        assert "does not tell what things weigh" in path.read_text()
    assert "inertial" not in written[1].read_text()


@pytest.mark.slow
def test_yourdfpy_opens_the_urdf(written):
    yourdfpy = pytest.importorskip("yourdfpy", reason=READERS)
    scene, path, _ = written
    robot = yourdfpy.URDF.load(str(path), load_collision_meshes=True)
    assert robot.validate()
    points = torch.cat([in_world(scene, index) for index in range(len(scene.names))])
    expected = torch.stack([z_up(points).amin(0), z_up(points).amax(0)])
    torch.testing.assert_close(torch.from_numpy(robot.scene.bounds), expected, atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["urdf", "mjcf"])
def test_mujoco_opens_both(written, kind):
    mujoco = pytest.importorskip("mujoco", reason=READERS)
    scene, urdf, mjcf = written
    model = mujoco.MjModel.from_xml_path(str(urdf if kind == "urdf" else mjcf))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    for index, name in enumerate(scene.names):
        points = geom_points(mujoco, model, data, name if kind == "mjcf" else None)
        truth = z_up(in_world(scene, index))
        away = torch.cdist(truth, torch.from_numpy(points)).amin(1)
        assert away.max() < (1e-5 if kind == "mjcf" else 1e-3)  # the URDF's are the parts


@pytest.mark.slow
def test_the_photos_camera_is_mujocos(written):
    mujoco = pytest.importorskip("mujoco", reason=READERS)
    scene, _, path = written
    model = mujoco.MjModel.from_xml_path(str(path))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert model.cam_fovy[0] == pytest.approx(40)
    pose = scene.camera.world_from_camera
    local = torch.randn(5, 3)
    turned = torch.from_numpy(data.cam_xmat[0].reshape(3, 3).copy())
    placed = local @ turned.mT + torch.from_numpy(data.cam_xpos[0].copy())
    torch.testing.assert_close(placed, z_up(pose.apply(local)), atol=1e-5, rtol=0)


@pytest.mark.slow
def test_what_stands_stays_standing(tmp_path):
    mujoco = pytest.importorskip("mujoco", reason=READERS)
    boxes = (textured_box((1.0, 1.0, 1.0)), textured_box((1.0, 1.0, 1.0)))
    layout = Similarity(
        torch.stack([turn(0.0, 0.3, 0.0), turn(0.0, 1.0, 0.0)]),
        torch.tensor([[0.0, 0.5, 0.0], [0.0, 1.25, 0.0]]),  # the second stands on the first
        torch.tensor([1.0, 0.5]),
    )
    scene = replace(two_boxes(), names=("low", "high"), meshes=boxes, layout=layout)
    assert isinstance(scene, Scene)
    (path,) = write_exports(tmp_path, ["mjcf"], stage(scene, World(True, 0.0)))
    model = mujoco.MjModel.from_xml_path(str(path))
    data = mujoco.MjData(model)
    while data.time < 1:
        mujoco.mj_step(model, data)
    feet = [data.body(name).xpos for name in scene.names]
    np.testing.assert_allclose(feet, [[0, 0, 0], [0, 0, 1]], atol=5e-3)


def geom_points(mujoco, model, data, body):
    """The corners of a body's meshes in the world; None: of all, since a URDF's are one body."""
    found = []
    for geom in range(model.ngeom):
        owner = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_BODY, model.geom_bodyid[geom])
        if model.geom_type[geom] != mujoco.mjtGeom.mjGEOM_MESH or body not in (None, owner):
            continue
        mesh = model.geom_dataid[geom]
        start, count = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
        own = model.mesh_vert[start : start + count].astype(float)
        turned = data.geom_xmat[geom].reshape(3, 3)
        found.append(own @ turned.T + data.geom_xpos[geom])
    return np.concatenate(found)
