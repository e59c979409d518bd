"""Texture: told apart from light, and leading home."""

from dataclasses import replace

import torch

from reparo.evaluate.made_up import Hints, to_problem
from reparo.layout.texture import Texture, fine_detail, texture_rows
from reparo.layout.unknowns import Unknowns
from reparo.layout.view import Sight, look, view_at
from reparo.scene import Photo, Rendering, Similarity, quaternion_product


def sight_of(made_up, render, layout: Similarity, photo: Photo | None = None) -> Sight:
    problem = to_problem(*made_up, Hints("metric"))
    if photo is not None:
        problem = replace(problem, observation=replace(problem.observation, photo=photo))
    return look(problem, Unknowns(layout), view_at(problem, 256), render)


def vase(made_up) -> int:
    return made_up[0].names.index("vase")


def own_picture(made_up, render) -> Rendering:
    return render(made_up[0])


def test_a_render_is_like_itself_whatever_the_lamp(with_vase, render):
    rgb = own_picture(with_vase, render).rgb
    lamp = torch.linspace(0.5, 1.0, rgb.shape[1])[None, :, None]
    plain = sight_of(with_vase, render, with_vase[0].layout, Photo(rgb))
    lit = sight_of(with_vase, render, with_vase[0].layout, Photo(rgb * lamp))
    k = vase(with_vase)
    assert Texture.of(plain, k).likeness > 0.999
    assert Texture.of(lit, k).likeness > 0.97


def test_a_turned_vase_is_less_like_the_photo(with_vase, render):
    scene, _ = with_vase
    k = vase(with_vase)
    angle = torch.tensor(0.2)
    turn = torch.stack([(angle / 2).cos(), angle * 0, (angle / 2).sin(), angle * 0])
    wxyz = scene.layout.wxyz.clone()
    wxyz[k] = quaternion_product(turn, wxyz[k])
    true = Texture.of(sight_of(with_vase, render, scene.layout), k)
    turned = Texture.of(sight_of(with_vase, render, replace(scene.layout, wxyz=wxyz)), k)
    assert turned.likeness < true.likeness - 0.1


def test_what_is_smooth_or_outside_leaves_no_detail():
    ramp = torch.linspace(0, 1, 90).expand(80, 90)
    inside = torch.zeros(80, 90, dtype=torch.bool)
    inside[10:70, 10:80] = True
    assert fine_detail(torch.ones_like(ramp)[None], inside).abs().max() < 1e-12
    detail = fine_detail(ramp[None], inside)[0]
    assert detail[30:50, 30:60].abs().max() < 1e-12  # a ramp's mean is its middle
    assert (detail[~inside] == 0).all()


def test_rows_of_a_photo_moved_by_a_pixel_ask_for_a_pixel(with_vase, render):
    rgb = own_picture(with_vase, render).rgb
    sight = sight_of(with_vase, render, with_vase[0].layout, Photo(rgb.roll(1, 1)))
    (rows,) = texture_rows(sight, vase(with_vase), trust=1.0)
    # one number: the shift along x that leaves the least
    along = rows.slope[:, 0]
    shift = -(rows.weight * along * rows.residual).sum() / (rows.weight * along.square()).sum()
    torch.testing.assert_close(shift.item(), 1.0, atol=0.3, rtol=0)


def test_an_object_without_texture_says_nothing(with_vase, render):
    grey = Photo(torch.full_like(own_picture(with_vase, render).rgb, 0.5))
    sight = sight_of(with_vase, render, with_vase[0].layout, grey)
    assert texture_rows(sight, vase(with_vase)) == []
