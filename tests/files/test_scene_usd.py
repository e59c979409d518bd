"""Scenes out as OpenUSD, read back by OpenUSD."""

import math

import pytest
import torch
from small_scenes import distance, in_world, two_boxes

from reparo.files.exports import write_exports
from reparo.files.staging import Dress, World, stage
from reparo.scene import Photo

pxr = pytest.importorskip("pxr", reason="the extra `usd` is not installed")
from pxr import Usd, UsdGeom, UsdShade  # noqa: E402


@pytest.fixture(params=["usda", "usdz"])
def written(request, tmp_path):
    scene = two_boxes()
    dress = Dress(backdrop=Photo(torch.rand(48, 64, 3)), ground_plane=True)
    (path,) = write_exports(tmp_path, [request.param], stage(scene, World(True, 0.0), dress))
    return scene, path, Usd.Stage.Open(str(path))


def points_of(prim):
    """In the world."""
    found = []
    for mesh in Usd.PrimRange(prim):
        if mesh.IsA(UsdGeom.Mesh):
            matrix = torch.tensor(UsdGeom.Xformable(mesh).ComputeLocalToWorldTransform(0))
            own = torch.tensor([list(point) for point in UsdGeom.Mesh(mesh).GetPointsAttr().Get()])
            rows = torch.cat([own.double(), torch.ones(len(own), 1)], 1) @ matrix
            found.append(rows[:, :3])
    return torch.cat(found)


def test_each_object_is_a_node_of_its_name_in_the_world(written):
    scene, _, usd = written
    for index, name in enumerate(scene.names):
        prim = usd.GetPrimAtPath(f"/Scene/{name}")
        assert prim.GetDisplayName() == name
        assert distance(points_of(prim), in_world(scene, index)) < 1e-5
    assert UsdGeom.GetStageUpAxis(usd) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(usd) == 1
    assert usd.GetDefaultPrim().GetCustomDataByKey("unit") == "metre"
    assert {prim.GetName() for prim in usd.GetDefaultPrim().GetChildren()} == {
        *("Looks", "chair", "camera", "ground", "backdrop", "photo_camera")
    }


def test_the_camera_sees_what_the_photos_camera_sees(written):
    scene, _, usd = written
    camera = UsdGeom.Camera(usd.GetPrimAtPath("/Scene/photo_camera")).GetCamera(0)
    assert camera.GetFieldOfView(camera.FOVVertical) == pytest.approx(40, abs=1e-4)
    assert camera.aspectRatio == pytest.approx(640 / 480)
    points = torch.rand(6, 3) * torch.tensor([1.0, 1.0, -1.0])
    expected, _ = scene.camera.project(points)
    seen = camera.frustum.ComputeViewMatrix() * camera.frustum.ComputeProjectionMatrix()
    flat = torch.tensor([list(seen.Transform(tuple(point.tolist()))) for point in points])
    pixels = (flat[:, :2] * torch.tensor([1.0, -1.0]) + 1) / 2 * torch.tensor([640.0, 480.0])
    torch.testing.assert_close(pixels, expected, atol=1e-2, rtol=0)


def test_textures_are_there_and_surfaces_rough(written):
    _, _, usd = written
    for prim in usd.Traverse():
        shader = UsdShade.Shader(prim)
        if shader and shader.GetIdAttr().Get() == "UsdUVTexture":
            assert shader.GetInput("file").Get().resolvedPath
        if shader and shader.GetIdAttr().Get() == "UsdPreviewSurface":
            assert shader.GetInput("roughness").Get() == 1
            assert shader.GetInput("metallic").Get() == 0
    bound = UsdShade.MaterialBindingAPI(usd.GetPrimAtPath("/Scene/backdrop/mesh_0"))
    surface, _, _ = bound.ComputeBoundMaterial()[0].ComputeSurfaceSource()
    assert tuple(surface.GetInput("diffuseColor").Get()) == (0, 0, 0)
    assert surface.GetInput("emissiveColor").HasConnectedSource()


def test_openusds_own_validators_have_nothing_to_say(written):
    _, _, usd = written
    validation = pytest.importorskip("pxr.UsdValidation", reason="this OpenUSD has no validators")
    every = validation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(every) > 10
    assert [one.GetMessage() for one in validation.ValidationContext(every).Validate(usd)] == []


def test_names_that_usd_does_not_know_stay_apart(tmp_path):
    scene = two_boxes()
    scene = type(scene)(("a-1", "a.1"), scene.meshes, scene.layout, scene.camera)
    (path,) = write_exports(tmp_path, ["usda"], stage(scene))
    usd = Usd.Stage.Open(str(path))
    shown = {prim.GetName(): prim.GetDisplayName() for prim in usd.GetDefaultPrim().GetChildren()}
    assert shown["a_1"] == "a-1" and shown["a_1_2"] == "a.1"
    assert math.isclose(UsdGeom.GetStageMetersPerUnit(usd), 1)
