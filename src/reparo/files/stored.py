"""A scene back from the folder that `run` or `align` left, for exporting it anew."""

import json
import struct
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from reparo.errors import InputError
from reparo.files.folder import is_result
from reparo.files.layout_json import LayoutFile, read_layout
from reparo.files.meshes import read_mesh
from reparo.files.scene_json import read_scene_folder
from reparo.files.staging import World
from reparo.scene import Mesh, Photo, Scene, Similarity

TALL = 1000  # px; a camera's height where only its shape is known
PLACING = ("translation", "rotation", "scale", "matrix")


@dataclass(frozen=True)
class Stored:
    """What a result folder holds."""

    scene: Scene
    world: World
    photo: Photo | None  # `run` keeps it; `align` does not


def read_result(out: Path) -> Stored:
    """The objects, their places and what is known of the world."""
    if not is_result(out) or not (out / "scene.glb").is_file():
        raise InputError(
            f"a folder that `reparo run` or `reparo align` left was wanted, with layout.json and "
            f"scene.glb, {out} is none; check the path"
        )
    found = read_layout(out / "layout.json")
    glb = _Glb.read(out / "scene.glb")
    if (out / "scene" / "scene.json").is_file():
        made = read_scene_folder(out / "scene")
        meshes = dict(zip(made.names, made.meshes, strict=True))
        if all(name in meshes for name in found.names):
            kept = tuple(meshes[name] for name in found.names)
            scene = Scene(found.names, kept, found.solution.layout, found.camera(made.photo.size))
            world = glb.world()
            if world.ground is None and made.ground is not None:  # older: run's world has it at 0
                world = replace(world, ground=0.0)
            return Stored(scene, world, made.photo)
    return Stored(glb.scene(found), glb.world(), None)


@dataclass(frozen=True)
class _Glb:
    """The two chunks of a binary glTF file."""

    path: Path
    header: dict[str, Any]
    blob: bytes

    @classmethod
    def read(cls, path: Path) -> "_Glb":
        """Reads one of ours; anything else is an `InputError`."""
        data = path.read_bytes()
        try:
            length = struct.unpack("<I", data[12:16])[0]
            header = json.loads(data[20 : 20 + length])
            return cls(path, header, data[28 + length :])
        except (struct.error, ValueError) as error:
            raise InputError(f"{path} must be a GLB file, it cannot be read; run again") from error

    def world(self) -> World:
        """What its asset says; nothing where an older version wrote it."""
        facts = self.header.get("asset", {}).get("extras", {})
        ground = facts.get("ground_y")
        known = isinstance(ground, int | float)
        return World(facts.get("unit") == "metre", float(ground) if known else None)

    def scene(self, found: LayoutFile) -> Scene:
        """Its own meshes; each stands where its node has it."""
        numbers = {node.get("name"): k for k, node in enumerate(self.header.get("nodes", []))}
        lost = [name for name in found.names if name not in numbers]
        if lost:
            raise InputError(f"{self.path} has no node {lost[0]!r}, which layout.json names")
        nodes = [numbers[name] for name in found.names]
        meshes = tuple(self._mesh(node) for node in nodes)
        poses = Similarity.stack([self._pose(node) for node in nodes])
        return Scene(found.names, meshes, poses, found.camera(self._size()))

    def _mesh(self, number: int) -> Mesh:
        """One node's mesh in its own frame: the file with that node alone, unplaced."""
        nodes = [dict(node) for node in self.header["nodes"]]
        nodes[number] = {key: nodes[number][key] for key in nodes[number] if key not in PLACING}
        alone = self.header | {"scene": 0, "scenes": [{"nodes": [number]}], "nodes": nodes}
        text = json.dumps(alone).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text
        chunks += struct.pack("<I4s", len(self.blob), b"BIN\0") + self.blob
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "object.glb"
            path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
            return read_mesh(path)

    def _pose(self, number: int) -> Similarity:
        node = self.header["nodes"][number]
        x, y, z, w = node.get("rotation", [0, 0, 0, 1])
        return Similarity(
            torch.tensor([w, x, y, z], dtype=torch.get_default_dtype()),
            torch.tensor(node.get("translation", [0, 0, 0]), dtype=torch.get_default_dtype()),
            torch.tensor(node.get("scale", [1, 1, 1])[0], dtype=torch.get_default_dtype()),
        )

    def _size(self) -> tuple[int, int]:
        """The photo's height and width; of its shape where the file is older."""
        for node in self.header.get("nodes", []):
            if "camera" in node:
                if size := node.get("extras", {}).get("photo_size"):
                    return int(size[1]), int(size[0])
                lens = self.header["cameras"][node["camera"]]["perspective"]
                return TALL, max(1, round(TALL * lens.get("aspectRatio", 1)))
        return TALL, TALL
