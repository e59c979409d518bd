"""Scenes out as URDF, for robot simulators: a file an object, and one with all in their places."""

from pathlib import Path
from xml.etree import ElementTree as Xml

from reparo.contracts import Progress
from reparo.files.bodies import MASSES, UNITS, Body, write_bodies
from reparo.files.staging import Stage


def write_urdf(path: Path, stage: Stage, progress: Progress | None = None) -> None:
    """The scene as one robot whose links are fixed to `world`, and NAME.urdf for each object.

    Neither says masses, so that a simulator takes its own. z is up.
    """
    bodies = write_bodies(path.parent / "meshes", stage, apart=False, progress=progress)
    words = f"{MASSES} {UNITS[stage.world.metric]} z up."
    whole = Xml.Element("robot", name=path.stem)
    whole.append(Xml.Comment(f" {words} All links are fixed to the world. "))
    root = _free("world", bodies)
    Xml.SubElement(whole, "link", name=root)
    for body in bodies:
        whole.append(_link(body))
        joint = Xml.SubElement(whole, "joint", name=f"{body.name}_in_{root}", type="fixed")
        Xml.SubElement(joint, "parent", link=root)
        Xml.SubElement(joint, "child", link=body.name)
        Xml.SubElement(joint, "origin", xyz=numbers(body.place), rpy="0 0 0")
    write_xml(path, whole)
    for body in bodies:
        alone = Xml.Element("robot", name=body.name)
        where = f"In the scene its origin, its foot, stands at {numbers(body.place)}."
        alone.append(Xml.Comment(f" {words} {where} "))
        alone.append(_link(body))
        write_xml(path.parent / f"{body_file(body, path)}.urdf", alone)


def body_file(body: Body, scene: Path) -> str:
    """The stem of an object's own file; an object may have the scene's name."""
    return body.name if body.name.lower() != scene.stem.lower() else f"{body.name}_alone"


def _free(name: str, bodies: list[Body]) -> str:
    while name in [body.name for body in bodies]:
        name = "photo_" + name
    return name


def _link(body: Body) -> Xml.Element:
    link = Xml.Element("link", name=body.name)
    for kind, files in (("visual", body.looks), ("collision", body.parts)):
        for file in files:
            geometry = Xml.SubElement(Xml.SubElement(link, kind), "geometry")
            Xml.SubElement(geometry, "mesh", filename=f"meshes/{file.name}")
    return link


def numbers(values: tuple[float, ...]) -> str:
    """As XML files list them."""
    return " ".join(f"{value:.9g}" for value in values)


def write_xml(path: Path, root: Xml.Element) -> None:
    """Indented, in UTF-8."""
    Xml.indent(root)
    Xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
