"""What colour a point of a surface has, and where a surface has holes."""

from dataclasses import replace

import pytest
import torch
from render_shapes import draw, pose_at, quad

from reparo.render.looks import texture_at
from reparo.render.renderer import TorchRenderer
from reparo.scene import Camera, Material, Mesh, Scene, Similarity

CAMERA = Camera.from_fov(90.0, (32, 32))  # a square of half 1 at distance 1 fills it
AHEAD = (0.0, 0.0, -1.0)


def checks(*colours):
    """A texture of 2 x 2 texels, row by row."""
    return torch.tensor([[*colour, 1.0][:4] for colour in colours]).reshape(2, 2, 4)


RED, GREEN, BLUE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
WHITE = (1.0, 1.0, 1.0)


def test_a_texture_has_its_first_texel_in_the_upper_left():
    mesh = quad(materials=(Material(texture=checks(RED, GREEN, BLUE, WHITE)),))
    rgb = draw(mesh, pose_at(AHEAD), CAMERA).rgb
    corners = torch.stack([rgb[8, 8], rgb[8, 24], rgb[24, 8], rgb[24, 24]])
    # a texel's own colour stands at its centre only, 8 pixels from the corner; half a pixel off it
    # a 32nd of each neighbour is mixed in
    torch.testing.assert_close(corners, torch.tensor([RED, GREEN, BLUE, WHITE]), atol=0.07, rtol=0)


def test_texels_are_mixed_linearly():
    uv = torch.tensor([[0.25, 0.25], [0.5, 0.25], [0.25, 0.5], [0.5, 0.5], [0.375, 0.25]])
    found = texture_at(checks(RED, GREEN, BLUE, WHITE), uv)[:, :3]
    expected = torch.tensor([RED, (0.5, 0.5, 0), (0.5, 0, 0.5), (0.5, 0.5, 0.5), (0.75, 0.25, 0)])
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("shift", [(1.0, 0.0), (0.0, -1.0), (-3.0, 5.0)])
def test_a_texture_repeats_outside_the_unit_square(shift):
    texture, uv = torch.rand(5, 7, 4), torch.rand(50, 2)
    torch.testing.assert_close(
        texture_at(texture, uv + torch.tensor(shift)), texture_at(texture, uv)
    )


def test_uv_from_0_to_3_shows_the_texture_three_times():
    texture = checks(RED, GREEN, BLUE, WHITE)
    camera = Camera.from_fov(90.0, (48, 48))
    three = quad(materials=(Material(texture=texture),))
    three = replace(three, uv=three.uv * 3)
    rgb = draw(three, pose_at(AHEAD), camera).rgb
    torch.testing.assert_close(rgb[:16, :16], rgb[16:32, 32:])
    assert rgb[:16, :16].std() > 0.1


def test_colours_are_multiplied():
    base, vertex, texel = (0.5, 1.0, 0.25, 1.0), (0.8, 0.5, 1.0, 1.0), (1.0, 0.5, 0.5)
    material = Material(base_colour=base, texture=checks(texel, texel, texel, texel))
    mesh = quad(materials=(material,), colours=torch.tensor([vertex] * 4))
    rgb = draw(mesh, pose_at(AHEAD), CAMERA).rgb
    torch.testing.assert_close(rgb[10, 20], torch.tensor([0.4, 0.25, 0.125]))


def test_vertex_colours_are_mixed_linearly_on_the_surface():
    """Not in the picture: the square is tilted, so that its middle is off the picture's middle."""
    ends = torch.tensor([RED, BLUE, BLUE, RED])  # red above, blue below
    mesh = quad(colours=torch.cat([ends, torch.ones(4, 1)], 1))
    picture = draw(mesh, pose_at((0.0, 0.0, -3.0), (1.0, 0.0, 0.0)), CAMERA)
    seen = picture.coverage > 0
    own = pose_at((0.0, 0.0, -3.0), (1.0, 0.0, 0.0))[0].inverse().apply(picture.point[seen])
    torch.testing.assert_close(picture.rgb[seen][:, 0], (own[:, 1] + 1) / 2)
    torch.testing.assert_close(picture.rgb[seen][:, 2], (1 - own[:, 1]) / 2)


def test_each_face_has_its_own_material():
    mesh = quad(materials=(Material(base_colour=(*RED, 1.0)), Material(base_colour=(*BLUE, 1.0))))
    mesh = replace(mesh, face_material=torch.tensor([1, 0]))
    rgb = draw(mesh, pose_at(AHEAD), CAMERA).rgb
    torch.testing.assert_close(rgb[30, 1], torch.tensor(BLUE))  # lower left: the first face
    torch.testing.assert_close(rgb[1, 30], torch.tensor(RED))


def holed(cutoff):
    """Its left half is transparent."""
    texture = torch.ones(4, 8, 4)
    texture[:, :4, 3] = 0.2
    return quad(materials=(Material(texture=texture, alpha_cutoff=cutoff),))


def test_through_a_hole_the_surface_behind_is_seen():
    behind = quad(half=4.0, materials=(Material(base_colour=(*RED, 1.0)),))
    one = pose_at(AHEAD)
    two = pose_at((0.0, 0.0, -3.0))
    scene = Scene(
        ("front", "back"), (holed(0.5), behind), Similarity.stack([one[0], two[0]]), CAMERA
    )
    picture = TorchRenderer()(scene)
    # the border repeats, so half a texel (2 pixels) on either side has alpha between 0.2 and 1;
    # 0.5 is passed at 3/8 of a texel's way
    assert (picture.object_index[:, 2:14] == 1).all()
    assert (picture.object_index[:, 18:30] == 0).all()
    torch.testing.assert_close(picture.depth[5, 5], torch.tensor(3.0))
    torch.testing.assert_close(picture.rgb[5, 5], torch.tensor(RED))
    torch.testing.assert_close(picture.depth[5, 25], torch.tensor(1.0))


def test_through_a_hole_the_back_of_the_same_mesh_is_seen():
    front, back = holed(0.5), quad(half=4.0)
    mesh = Mesh(
        vertices=torch.cat([front.vertices, back.vertices - torch.tensor([0.0, 0, 2])]),
        faces=torch.cat([front.faces, back.faces + 4]),
        uv=torch.cat([front.uv, back.uv]),
        colours=torch.cat([front.colours, back.colours]),
        materials=(*front.materials, Material(base_colour=(*GREEN, 1.0))),
        face_material=torch.tensor([0, 0, 1, 1]),
    )
    picture = draw(mesh, pose_at(AHEAD), CAMERA)
    torch.testing.assert_close(picture.depth[5, 5], torch.tensor(3.0))
    torch.testing.assert_close(picture.rgb[5, 5], torch.tensor(GREEN))


def test_without_a_cutoff_alpha_makes_no_holes():
    assert (draw(holed(None), pose_at(AHEAD), CAMERA).coverage == 1).all()
