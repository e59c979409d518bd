"""Scenes in notebooks."""

import torch

from reparo.scene import Camera, Mesh, Scene, Similarity


def test_a_scene_shows_its_objects_where_they_stand_and_how_large():
    corners = torch.tensor([[-0.5, 0, 0], [0.5, 1, 0], [0, 0, 0.25]])
    mesh = Mesh.plain(corners, torch.tensor([[0, 1, 2]]))
    half_turn = [0.0, 0.0, 1.0, 0.0]
    layout = Similarity(
        torch.tensor([[1.0, 0, 0, 0], half_turn]),
        torch.tensor([[1.0, 0, -3], [0, 2, 0]]),
        torch.tensor([2.0, 1.0]),
    )
    names = ("chair", "<script>alert(1)</script>")
    html = Scene(names, (mesh, mesh), layout, Camera.from_fov(40.0, (48, 64)))._repr_html_()
    assert "2 objects, camera of 40°, 64 x 48 px" in html
    assert "1.00, 1.00, -2.75" in html and "2.00, 2.00, 0.50" in html
    assert "0.00, 2.50, -0.12" in html  # turned about y, its depth is behind it
    assert "<script" not in html and "&lt;script&gt;" in html
