"""A small result to make reports of."""

from pathlib import Path

import torch
from PIL import Image

from reparo.files.layout_json import write_layout
from reparo.report.page_source import Seen
from reparo.report.pictures import panels
from reparo.scene import Camera, Mesh, ObjectReport, Scene, Similarity, Solution

GLB = b"glTF and some bytes \x00\xff"
NAMES = ("chair", "lamp.2")


def layout(shift=0.0, scale=1.0):
    quarter = [2**-0.5, 0, 2**-0.5, 0]
    return Similarity(
        torch.tensor([[1.0, 0, 0, 0], quarter]),
        torch.tensor([[0.0, 0.5, -3], [1, 0.25, -4]]) * scale + torch.tensor([0, shift * scale, 0]),
        torch.tensor([0.5, 2.0]) * scale,
    )


def solution(where, notes=(), stopped="it converged"):
    reports = (
        ObjectReport({"mask": 0.1}, {"visible": 0.9, "fit": 0.95}, 0.0, 0.0),
        ObjectReport({"mask": 0.8}, {"visible": 0.4, "fit": 0.2}, 0.03, -0.05),
    )
    return Solution(where, "fast", stopped, {"match": 1.25, "polish": 0.5}, reports, 0.0, notes)


def write_files(folder: Path, where, **said) -> None:
    """layout.json, scene.glb and preview.png."""
    mesh = Mesh.plain(torch.eye(3), torch.tensor([[0, 1, 2]]))
    camera = Camera.from_fov(40.0, (48, 64))
    folder.mkdir(parents=True, exist_ok=True)
    scene = Scene(NAMES, (mesh, mesh), where, camera)
    write_layout(folder / "layout.json", scene, solution(where, **said))
    (folder / "scene.glb").write_bytes(GLB)
    panels([Image.new("RGB", (20, 30))] * 3, ("a", "b", "c")).save(folder / "preview.png")


def mask(left, top, right, bottom):
    image = Image.new("L", (64, 48))
    image.paste(255, (left, top, right, bottom))
    return image


def seen(**more):
    masks = {"chair": mask(10, 10, 30, 40), "lamp.2": mask(35, 5, 50, 30)}
    return Seen(Image.new("RGB", (64, 48), (90, 120, 160)), masks, **more)
