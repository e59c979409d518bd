"""Times the renderer and prints milliseconds: `python benchmarks/render.py [--device cuda]`.

Balls of white triangles, one textured with 1024 x 1024 texels; the least and the median of many
runs, since other programs only ever add to the time.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import trimesh

from reparo.render.renderer import TorchRenderer
from reparo.scene import Camera, Material, Mesh, Scene, Similarity

ROUNDS = 30


def ball(subdivisions: int, device: str, textured: bool = False) -> Mesh:
    """A ball of radius 1 of 20 * 4^subdivisions triangles."""
    shape = trimesh.creation.icosphere(subdivisions=subdivisions)
    vertices = torch.tensor(shape.vertices, dtype=torch.float32, device=device)
    plain = Mesh.plain(vertices, torch.tensor(shape.faces, device=device))
    material = Material(texture=torch.rand(1024, 1024, 4, device=device) if textured else None)
    return Mesh(
        vertices, plain.faces, vertices[:, :2], plain.colours, (material,), plain.face_material
    )


def quad(half: float, device: str) -> Mesh:
    """Two triangles that fill the picture."""
    corners = [[-half, half, 0.0], [-half, -half, 0.0], [half, -half, 0.0], [half, half, 0.0]]
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]], device=device)
    return Mesh.plain(torch.tensor(corners, device=device), faces)


def scene(meshes: list[Mesh], size: int, device: str) -> Scene:
    """The meshes side by side, each about half the picture wide if it is alone."""
    count = len(meshes)
    wxyz = torch.tensor([[1.0, 0.0, 0.0, 0.0]] * count, device=device)
    places = torch.tensor([[0.8 * (i - (count - 1) / 2), 0, -3.0 - 0.3 * i] for i in range(count)])
    layout = Similarity(wxyz, places.to(device), torch.ones(count, device=device))
    camera = Camera.from_fov(45.0, (size, size))
    return Scene(tuple(f"ball-{i}" for i in range(count)), tuple(meshes), layout, camera)


def report(name: str, device: str, draw: Callable[[], object]) -> None:
    """Prints the least and the median time of one call."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        draw()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(1e3 * (time.perf_counter() - start))
    print(f"{name:58} least {min(times):7.1f} ms   median {statistics.median(times):7.1f} ms")


def main() -> None:
    """Prints one line a case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    device = parser.parse_args().device
    torch.set_num_threads(2)
    renderer = TorchRenderer()

    def layers(meshes: list[Mesh], size: int, samples: int = 1) -> Callable[[], object]:
        one = scene(meshes, size, device)
        return lambda: renderer.layers(one.meshes, one.layout, one.camera, samples)

    def composite(meshes: list[Mesh], size: int, samples: int = 1) -> Callable[[], object]:
        one = scene(meshes, size, device)
        return lambda: renderer(one, samples)

    fine, middle = ball(6, device), [ball(5, device, textured=True)] * 3
    cases = {
        "one object of 82k triangles, 256 x 256": layers([fine], 256),
        "one object of 82k triangles, 512 x 512": layers([fine], 512),
        "three textured of 20k, layers, 128 x 128": layers(middle, 128),
        "three textured of 20k, layers, 128 x 128, 4 x 4 samples": layers(middle, 128, 4),
        "three textured of 20k, composite, 512 x 512": composite(middle, 512),
        "three textured of 20k, composite, 512 x 512, 2 x 2 samples": composite(middle, 512, 2),
        "two triangles that fill 1024 x 1024": layers([quad(2.0, device)], 1024),
    }
    for name, draw in cases.items():
        report(name, device, draw)


if __name__ == "__main__":
    main()
