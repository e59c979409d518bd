"""Scenes out as MJCF, for MuJoCo: a free body an object, the ground, the photo's camera."""

from pathlib import Path
from xml.etree import ElementTree as Xml

from reparo.contracts import Progress
from reparo.files.bodies import MASSES, UNITS, Body, upright, write_bodies, z_up
from reparo.files.staging import Stage
from reparo.files.urdf import numbers, write_xml
from reparo.scene import quaternion_product

WATER = "1000"  # kg/m3, MuJoCo's own default, where nothing is known
WORLD = "world"  # MuJoCo's own name for what stands still
LOOK, PART = "look", "part"  # classes of geoms


def write_mjcf(path: Path, stage: Stage, progress: Progress | None = None) -> None:
    """The scene; meshes and textures go to meshes/ beside it. z is up."""
    bodies = write_bodies(path.parent / "meshes", stage, apart=True, progress=progress)
    root = Xml.Element("mujoco", model=path.stem)
    water = f"Here all is as dense as water, {WATER} kg/m3."
    root.append(Xml.Comment(f" {MASSES} {water} {UNITS[stage.world.metric]} z up. "))
    Xml.SubElement(root, "compiler", meshdir="meshes", texturedir="meshes")
    _defaults(root)
    assets = Xml.SubElement(root, "asset")
    world = Xml.SubElement(root, "worldbody")
    sun = {"pos": "0 0 10", "dir": "0.3 0.3 -1", "directional": "true", "specular": "0 0 0"}
    Xml.SubElement(world, "light", sun | {"diffuse": ".3 .3 .3"})
    if stage.world.ground is not None:
        height = numbers((0.0, 0.0, stage.world.ground))
        Xml.SubElement(world, "geom", type="plane", size="0 0 1", pos=height, rgba=".8 .8 .8 1")
    _camera(world, stage)
    for body in bodies:
        _body(assets, world, body)
    write_xml(path, root)


def _defaults(root: Xml.Element) -> None:
    """Looks touch nothing and weigh nothing; parts are not shown at first (group 3)."""
    visual = Xml.SubElement(root, "visual")
    Xml.SubElement(visual, "headlight", ambient=".6 .6 .6", diffuse=".1 .1 .1", specular="0 0 0")
    kinds = Xml.SubElement(root, "default")
    look = Xml.SubElement(kinds, "default", {"class": LOOK})
    Xml.SubElement(look, "geom", type="mesh", contype="0", conaffinity="0", group="2", mass="0")
    # shell: its inertia is not used, and an open or flat mesh has none as a solid
    Xml.SubElement(look, "mesh", inertia="shell")
    part = Xml.SubElement(kinds, "default", {"class": PART})
    Xml.SubElement(part, "geom", type="mesh", group="3", density=WATER)


def _camera(world: Xml.Element, stage: Stage) -> None:
    """MuJoCo's cameras look along -z with y up, as glTF's do."""
    pose = stage.camera.world_from_camera
    turn = quaternion_product(upright().wxyz.to(pose.wxyz), pose.wxyz)
    height, width = stage.camera.size
    Xml.SubElement(
        world,
        "camera",
        name=stage.camera_name,
        pos=numbers(tuple(z_up(pose.translation[None])[0].tolist())),
        quat=numbers(tuple(turn.tolist())),
        fovy=f"{stage.camera.fov_y_deg:.9g}",
        resolution=f"{width} {height}",
    )


def _body(assets: Xml.Element, world: Xml.Element, body: Body) -> None:
    name = body.name if body.name != WORLD else f"photo_{WORLD}"
    node = Xml.SubElement(world, "body", name=name, pos=numbers(body.place))
    Xml.SubElement(node, "freejoint", name=name)
    for file, picture, colour in zip(body.looks, body.pictures, body.colours, strict=True):
        look = {"name": file.stem, "specular": "0", "shininess": "0", "rgba": numbers(colour)}
        if picture is not None:
            source = {"name": file.stem, "type": "2d", "file": picture.name}
            Xml.SubElement(assets, "texture", source)
            look["texture"] = file.stem
        Xml.SubElement(assets, "material", look)
        Xml.SubElement(assets, "mesh", {"class": LOOK, "name": file.stem, "file": file.name})
        shown = {"class": LOOK, "mesh": file.stem, "material": file.stem}
        Xml.SubElement(node, "geom", shown)
    for file in body.parts:
        Xml.SubElement(assets, "mesh", {"class": PART, "name": file.stem, "file": file.name})
        Xml.SubElement(node, "geom", {"class": PART, "mesh": file.stem})
