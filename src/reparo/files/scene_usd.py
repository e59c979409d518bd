"""Scenes out as OpenUSD: a text file with its textures, or all in one .usdz."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from PIL import Image
from torch import Tensor

from reparo.errors import BackendFailed, MissingExtra
from reparo.files.colours import decode_rgb
from reparo.files.normals import vertex_normals
from reparo.files.scene_glb import NEAR, texture_bytes, world_table
from reparo.files.staging import Piece, Stage
from reparo.scene import Material, Mesh

ROOT = "/Scene"
FAR = 1e6  # of the camera's view, in units of the nearest point's distance


def write_scene_usda(path: Path, stage: Stage) -> None:
    """The scene as text; textures/ beside it. y is up.

    An Xform a piece, named as it as far as USD allows, its pivot at its foot; its own name is the
    display name.
    """
    usd = _Usd(path.parent / "textures")
    usd.write(path, stage)


def write_scene_usdz(path: Path, stage: Stage) -> None:
    """The same in one file, as phones and stores take it."""
    from_pxr = _pxr()
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder) / "scene.usdc"
        _Usd(Path(folder) / "textures").write(inner, stage)
        if not from_pxr.UsdUtils.CreateNewUsdzPackage(str(inner), str(path)):
            raise BackendFailed(f"OpenUSD could not pack {path.name}")


def _pxr() -> Any:
    try:
        import pxr
        from pxr import Gf, Sdf, Tf, Usd, UsdGeom, UsdShade, UsdUtils, Vt  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            "USD files need the package 'usd-core'; `pip install 'reparo3d[usd]'` brings it"
        ) from error
    return pxr


@dataclass
class _Usd:
    """A USD stage while it is written."""

    textures: Path
    pxr: Any = field(default_factory=_pxr)
    written: dict[int, str] = field(default_factory=dict)  # textures' files, by id
    stage: Any = None

    def write(self, path: Path, staged: Stage) -> None:
        """All of it."""
        geom = self.pxr.UsdGeom
        self.stage = self.pxr.Usd.Stage.CreateNew(str(path))
        geom.SetStageUpAxis(self.stage, geom.Tokens.y)
        geom.SetStageMetersPerUnit(self.stage, 1.0)
        root = geom.Xform.Define(self.stage, ROOT)
        self.stage.SetDefaultPrim(root.GetPrim())
        for key, value in world_table(staged.world).items():
            if value is not None:
                root.GetPrim().SetCustomDataByKey(key, value)
        geom.Scope.Define(self.stage, f"{ROOT}/Looks")
        taken = {"Looks"}
        for piece in staged.pieces:
            self._piece(piece, self._identifier(piece.name, taken))
        self._camera(staged, self._identifier(staged.camera_name, taken))
        self.stage.GetRootLayer().Save()

    def _identifier(self, name: str, taken: set[str]) -> str:
        """A name that USD allows and nothing else has."""
        own = valid = self.pxr.Tf.MakeValidIdentifier(name)
        number = 1
        while own in taken:
            number += 1
            own = f"{valid}_{number}"
        taken.add(own)
        return own

    def _placed(self, prim: Any, pose: Any, scaled: bool = True) -> None:
        """Translation, rotation, scale, as programs show them."""
        gf, xform = self.pxr.Gf, self.pxr.UsdGeom.Xformable(prim)
        xform.AddTranslateOp().Set(gf.Vec3d(*pose.translation.tolist()))
        w, x, y, z = torch.nn.functional.normalize(pose.wxyz.double(), dim=-1).tolist()
        xform.AddOrientOp().Set(gf.Quatf(w, x, y, z))
        if scaled:
            xform.AddScaleOp().Set(gf.Vec3f(*[pose.scale.item()] * 3))

    def _piece(self, piece: Piece, own: str) -> None:
        """An Xform with a Mesh for each material under it."""
        prim = self.pxr.UsdGeom.Xform.Define(self.stage, f"{ROOT}/{own}").GetPrim()
        prim.SetDisplayName(piece.name)
        for key, value in piece.extras.items():
            prim.SetCustomDataByKey(key, value)
        self._placed(prim, piece.pose)
        normals = vertex_normals(piece.mesh)
        for index, material in enumerate(piece.mesh.materials):
            faces = piece.mesh.faces[piece.mesh.face_material == index]
            if len(faces):
                mesh = self._mesh(f"{ROOT}/{own}/mesh_{index}", piece.mesh, faces, normals)
                coloured = bool((piece.mesh.colours[faces.unique()] != 1).any())
                look = self._look(f"{own}_{index}", material, coloured, piece.unlit)
                self.pxr.UsdShade.MaterialBindingAPI.Apply(mesh).Bind(look)

    def _mesh(
        self, path: str, mesh: Mesh, faces: Int[Tensor, "f 3"], normals: Tensor | None
    ) -> Any:
        """One material's faces with the vertices they use; UV's origin is at the bottom left."""
        geom, sdf, vt = self.pxr.UsdGeom, self.pxr.Sdf, self.pxr.Vt
        used, local = torch.unique(faces, return_inverse=True)
        made = geom.Mesh.Define(self.stage, path)
        points = _rows(mesh.vertices[used])
        made.CreatePointsAttr(vt.Vec3fArray.FromNumpy(points))
        made.CreateExtentAttr(vt.Vec3fArray.FromNumpy(np.stack([points.min(0), points.max(0)])))
        made.CreateFaceVertexCountsAttr(vt.IntArray.FromNumpy(np.full(len(faces), 3, np.int32)))
        flat = local.reshape(-1).cpu().numpy().astype(np.int32)
        made.CreateFaceVertexIndicesAttr(vt.IntArray.FromNumpy(flat))
        made.CreateSubdivisionSchemeAttr(geom.Tokens.none)
        made.CreateDoubleSidedAttr(True)
        if normals is not None:
            made.CreateNormalsAttr(vt.Vec3fArray.FromNumpy(_rows(normals[used])))
            made.SetNormalsInterpolation(geom.Tokens.vertex)
        primvars, types = geom.PrimvarsAPI(made), sdf.ValueTypeNames
        st = primvars.CreatePrimvar("st", types.TexCoord2fArray, geom.Tokens.vertex)
        uv = mesh.uv[used] * mesh.uv.new_tensor([1, -1]) + mesh.uv.new_tensor([0, 1])
        st.Set(vt.Vec2fArray.FromNumpy(_rows(uv)))
        colours = _rows(decode_rgb(mesh.colours[used])[:, :3])
        shown = primvars.CreatePrimvar("displayColor", types.Color3fArray, geom.Tokens.vertex)
        shown.Set(vt.Vec3fArray.FromNumpy(colours))
        return made.GetPrim()

    def _look(self, name: str, material: Material, coloured: bool, unlit: bool) -> Any:
        """A UsdPreviewSurface, rough and not metallic, or one that only glows.

        Vertex colours count where there is no texture: the surface takes one or the other.
        """
        shade, types = self.pxr.UsdShade, self.pxr.Sdf.ValueTypeNames
        path = f"{ROOT}/Looks/{name}"
        look = shade.Material.Define(self.stage, path)
        surface = self._shader(f"{path}/surface", "UsdPreviewSurface")
        look.CreateSurfaceOutput().ConnectToSource(surface.ConnectableAPI(), "surface")
        surface.CreateInput("roughness", types.Float).Set(1.0)
        surface.CreateInput("metallic", types.Float).Set(0.0)
        gf, black = self.pxr.Gf, self.pxr.Gf.Vec3f(0, 0, 0)
        if unlit:
            surface.CreateInput("diffuseColor", types.Color3f).Set(black)
        colour = surface.CreateInput("emissiveColor" if unlit else "diffuseColor", types.Color3f)
        base = decode_rgb(torch.tensor(material.base_colour, dtype=torch.float64)).tolist()
        if material.texture is not None:
            texture = self._texture(path, material, base)
            colour.ConnectToSource(texture.ConnectableAPI(), "rgb")
            if material.alpha_cutoff is not None:
                opacity = surface.CreateInput("opacity", types.Float)
                opacity.ConnectToSource(texture.ConnectableAPI(), "a")
                cutoff = surface.CreateInput("opacityThreshold", types.Float)
                cutoff.Set(material.alpha_cutoff)
        elif coloured:
            reader = self._shader(f"{path}/colours", "UsdPrimvarReader_float3")
            reader.CreateInput("varname", types.String).Set("displayColor")
            reader.CreateOutput("result", types.Float3)
            colour.ConnectToSource(reader.ConnectableAPI(), "result")
        else:
            colour.Set(gf.Vec3f(*base[:3]))
        return look

    def _texture(self, path: str, material: Material, base: list[float]) -> Any:
        types = self.pxr.Sdf.ValueTypeNames
        reader = self._shader(f"{path}/st", "UsdPrimvarReader_float2")
        reader.CreateInput("varname", types.String).Set("st")
        reader.CreateOutput("result", types.Float2)
        texture = self._shader(f"{path}/texture", "UsdUVTexture")
        texture.CreateInput("file", types.Asset).Set(self._picture(path, material))
        texture.CreateInput("sourceColorSpace", types.Token).Set("sRGB")
        texture.CreateInput("scale", types.Float4).Set(self.pxr.Gf.Vec4f(*base))
        for axis in ("wrapS", "wrapT"):
            texture.CreateInput(axis, types.Token).Set("repeat")
        texture.CreateInput("st", types.Float2).ConnectToSource(reader.ConnectableAPI(), "result")
        texture.CreateOutput("rgb", types.Float3)
        texture.CreateOutput("a", types.Float)
        return texture

    def _picture(self, path: str, material: Material) -> str:
        """Its file, relative to the stage; written once."""
        key = id(material.texture)
        if key not in self.written:
            self.textures.mkdir(exist_ok=True)
            name = f"{path.rpartition('/')[2]}.png"
            Image.fromarray(texture_bytes(material)).save(self.textures / name)
            self.written[key] = f"./textures/{name}"
        return self.written[key]

    def _shader(self, path: str, kind: str) -> Any:
        made = self.pxr.UsdShade.Shader.Define(self.stage, path)
        made.CreateIdAttr(kind)
        return made

    def _camera(self, staged: Stage, own: str) -> None:
        """The photo's; lens and film in tenths of the world's unit, as USD has it."""
        gf, camera = self.pxr.Gf, self.pxr.UsdGeom.Camera.Define(self.stage, f"{ROOT}/{own}")
        seen, height_width = staged.camera, staged.camera.size
        lens = gf.Camera()
        lens.SetPerspectiveFromAspectRatioAndFieldOfView(
            height_width[1] / height_width[0], seen.fov_y_deg, gf.Camera.FOVVertical
        )
        near = min(NEAR, staged.nearest / 10)
        lens.clippingRange = gf.Range1f(near, staged.nearest * FAR)
        camera.SetFromCamera(lens, self.pxr.Usd.TimeCode.Default())
        camera.ClearXformOpOrder()
        camera.GetPrim().RemoveProperty("xformOp:transform")
        self._placed(camera, seen.world_from_camera, scaled=False)


def _rows(values: Tensor) -> np.ndarray:
    return np.ascontiguousarray(values.detach().cpu().numpy(), dtype=np.float32)
