"""The same picture on every device."""

import pytest
import torch
from render_shapes import holed_scene

from reparo.render.renderer import TorchRenderer
from reparo.scene import Mesh, Scene, Similarity


@pytest.mark.gpu
def test_cuda_draws_what_the_cpu_draws():
    scene = holed_scene()
    there = Scene(
        scene.names,
        tuple(moved(mesh) for mesh in scene.meshes),
        Similarity(
            scene.layout.wxyz.cuda(), scene.layout.translation.cuda(), scene.layout.scale.cuda()
        ),
        scene.camera,
    )
    for samples in (1, 2):
        expected, picture = TorchRenderer()(scene, samples), TorchRenderer()(there, samples)
        for name in ("rgb", "coverage", "depth", "object_index", "point"):
            torch.testing.assert_close(getattr(picture, name).cpu(), getattr(expected, name))


def moved(mesh):
    """The mesh on the graphics card, textures too."""
    materials = [
        one.__class__(one.base_colour, one.texture.cuda(), one.alpha_cutoff)
        if one.texture is not None
        else one
        for one in mesh.materials
    ]
    return Mesh(
        mesh.vertices.cuda(),
        mesh.faces.cuda(),
        mesh.uv.cuda(),
        mesh.colours.cuda(),
        tuple(materials),
        mesh.face_material.cuda(),
    )
