"""The parts of automatic segmentation that need no network."""

import pytest
import torch

from reparo.stages.segment.choose import choose, plausible
from reparo.stages.segment.propose import Proposals, lattice
from reparo.stages.segment.regions import disjoint_regions
from reparo.stages.segment.salience import without_backdrop
from reparo.stages.segment.tidy import tidy

SIZE = (40, 60)


def box(top, left, bottom, right, size=SIZE):
    mask = torch.zeros(size, dtype=torch.bool)
    mask[top:bottom, left:right] = True
    return mask


def proposals_of(points, asked):
    """`asked`: for each point the masks that it asked for, with their belief."""
    rows = [(mask, i, belief) for i, masks in enumerate(asked) for mask, belief in masks]
    return Proposals(
        torch.tensor(points),
        torch.stack([row[0] for row in rows]),
        torch.tensor([row[1] for row in rows]),
        torch.full((len(rows),), 2),
        torch.tensor([row[2] for row in rows], dtype=torch.float32),
    )


def chosen_masks(proposals):
    figure = torch.ones(len(proposals.masks), dtype=torch.float32)
    return [proposals.masks[i] for i in choose(proposals, figure).tolist()]


def contains(masks, wanted):
    return any((mask == wanted).all() for mask in masks)


def test_two_things_that_touch_stay_two_when_their_points_say_so():
    """Each point is surer of its own thing (1.0) than of both together (0.75)."""
    left, right = box(10, 10, 30, 20), box(10, 20, 30, 30)
    both = left | right
    points = [[r, c] for r in (12, 17, 22, 27) for c in (12, 17, 22, 27)]
    asked = [[((left if c < 20 else right), 0.95), (both, 0.75 * 0.95)] for _, c in points]
    masks = chosen_masks(proposals_of(points, asked))
    assert len(masks) == 2
    assert contains(masks, left)
    assert contains(masks, right)


def test_a_whole_is_preferred_to_parts_that_few_of_its_points_ask_for():
    whole, part = box(10, 10, 30, 30), box(10, 10, 30, 20)
    points = [[r, c] for r in (12, 17, 22, 27) for c in (12, 17, 22, 27)]
    asked = [[(whole, 0.72)] + ([(part, 0.9)] if c == 12 else []) for _, c in points]
    masks = chosen_masks(proposals_of(points, asked))
    assert len(masks) == 1
    assert contains(masks, whole)


def test_a_mask_that_one_point_alone_asks_for_is_no_object():
    lone = box(10, 10, 30, 30)
    points = [[r, c] for r in (12, 17, 22, 27) for c in (12, 17, 22, 27)]
    asked = [[(lone, 0.9)], *([] for _ in points[1:])]
    assert chosen_masks(proposals_of(points, asked)) == []


def test_no_proposals_give_no_objects():
    empty = torch.zeros(0, dtype=torch.long)
    masks = torch.zeros(0, *SIZE, dtype=torch.bool)
    belief = torch.zeros(0, dtype=torch.float32)
    proposals = Proposals(torch.zeros(0, 2, dtype=torch.long), masks, empty, empty, belief)
    salience = torch.zeros(SIZE, dtype=torch.float32)
    assert not len(choose(proposals, plausible(proposals, salience, 0.1)))


def test_floors_specks_and_what_does_not_stand_out_are_not_plausible():
    figure = box(10, 10, 30, 30)
    floor = box(20, 0, 40, 60)  # reaches three sides
    speck = box(15, 15, 16, 16)
    dull = box(2, 40, 20, 55)
    proposals = proposals_of([[15, 15]], [[(m, 0.9) for m in (figure, floor, speck, dull)]])
    standing_out = figure.float() * 0.8 + 0.05
    assert (plausible(proposals, standing_out, 0.2) > 0).tolist() == [True, False, False, False]


@pytest.mark.parametrize("count", [20, 100, 400])
def test_a_lattice_lies_on_the_figure_and_has_about_the_wanted_number(count):
    figure = box(50, 60, 200, 220, size=(256, 256))
    points = lattice(figure, count)
    assert figure[points[:, 0], points[:, 1]].all()
    assert count / 1.5 < len(points) < count * 1.5


def test_a_lattice_on_nothing_is_empty_and_never_finer_than_a_pixel():
    assert len(lattice(torch.zeros(SIZE, dtype=torch.bool), 100)) == 0
    assert len(lattice(box(3, 3, 5, 5), 100)) <= 4


def test_a_band_that_fills_the_top_is_behind_and_what_stands_before_it_stays():
    found = torch.full(SIZE, 0.03, dtype=torch.float32)
    found[:15] = 0.3  # trees far away
    found[5:30, 20:30] = 0.9  # a figure that overlaps them
    found[32:38, 40:50] = 0.3  # a faint figure of its own
    answer = without_backdrop(found)
    assert answer[2, 40] == 0
    assert answer[10, 25] >= 0.55
    assert answer[35, 45] == pytest.approx(0.27, abs=0.04)


def test_without_a_band_at_the_top_the_map_stays():
    found = torch.rand(SIZE, dtype=torch.float32)
    found[0] = 0.02
    torch.testing.assert_close(without_backdrop(found), found)


def test_tidy_drops_specks_and_pin_holes_and_keeps_handles():
    cup = box(5, 5, 35, 35)
    cup[10:20, 10:20] = False  # the inside of a handle
    rough = cup.clone()
    rough[25, 25] = False
    rough[38, 50] = True
    assert (tidy(rough) == cup).all()
    nothing = torch.zeros(SIZE, dtype=torch.bool)
    assert not tidy(nothing).any()


def test_regions_are_disjoint_and_a_covered_one_is_left_out():
    regions = disjoint_regions(
        ["big", "front", "hidden"], [box(0, 0, 20, 20), box(5, 5, 10, 10), box(5, 5, 10, 10)]
    )
    assert {region.name for region in regions} <= {"big", "front", "hidden"}
    assert [region.area for region in regions] == [375, 25]
    assert disjoint_regions([], []) == []
