"""Joining pieces and looking closer, with a stand-in for the network."""

import pytest
import torch

from reparo.stages.segment.merge import merge_alike
from reparo.stages.segment.predictor import Answer
from reparo.stages.segment.propose import Proposals
from reparo.stages.segment.refine import look_closer

SIZE = (40, 60)


def box(top, left, bottom, right, size=SIZE):
    mask = torch.zeros(size, dtype=torch.bool)
    mask[top:bottom, left:right] = True
    return mask


LEFT, RIGHT = box(10, 10, 30, 20), box(10, 20, 30, 30)
SHOE, BLUE = torch.tensor([0.8, 0.2, 0.1]), torch.tensor([0.1, 0.2, 0.7])


def merged(right_colour, whole_asked_by):
    """Two pieces side by side; some of their 8 points also ask for both together."""
    points = [[r, c] for r in (12, 17, 22, 27) for c in (15, 25)]
    rows = [(LEFT if c < 20 else RIGHT, i) for i, (_, c) in enumerate(points)]
    rows += [(LEFT | RIGHT, i) for i in range(whole_asked_by)]
    count = len(rows)
    proposals = Proposals(
        torch.tensor(points),
        torch.stack([mask for mask, _ in rows]),
        torch.tensor([voter for _, voter in rows]),
        torch.full((count,), 2),
        torch.ones(count, dtype=torch.float32),
    )
    rgb = torch.full((*SIZE, 3), 0.5)
    rgb[LEFT], rgb[RIGHT] = SHOE.double(), right_colour.double()
    figure = torch.ones(count, dtype=torch.float32)
    chosen = merge_alike(proposals, torch.tensor([0, 1]), figure, rgb)
    return [proposals.masks[i] for i in chosen.tolist()]


def test_like_pieces_that_are_also_seen_as_one_become_one():
    (whole,) = merged(SHOE, whole_asked_by=4)
    assert (whole == (LEFT | RIGHT)).all()


def test_pieces_of_other_colours_stay_apart():
    assert len(merged(BLUE, whole_asked_by=8)) == 2


def test_like_pieces_that_nobody_sees_as_one_stay_apart():
    assert len(merged(SHOE, whole_asked_by=0)) == 2
    assert len(merged(SHOE, whole_asked_by=1)) == 2


class CropView:
    """What is bright in the crop is the object."""

    def __init__(self, bright, asked):
        self.bright, self.asked = bright, asked
        self.size = self.low_size = tuple(bright.shape)

    def ask_points(self, points, inside):
        raise NotImplementedError

    def ask_box(self, box):
        self.asked.append(box)
        logits = self.bright.float() * 2 - 1
        return Answer(logits.expand(4, -1, -1), torch.ones(4, dtype=torch.float32))


class Closer:
    """Stands in for the network; notes the boxes asked."""

    def __init__(self):
        self.asked = []

    def look(self, rgb):
        return CropView(rgb[..., 0] > 0.5, self.asked)


def picture_of(mask):
    return mask.double()[..., None].expand(-1, -1, 3)


def test_the_closer_outline_replaces_the_first_where_they_agree():
    truth, rough = box(10, 20, 26, 36), box(10, 20, 25, 36)
    sam = Closer()
    assert (look_closer(sam, picture_of(truth), rough) == truth).all()
    assert sam.asked[0][2] - sam.asked[0][0] == 16


def test_an_answer_that_means_something_else_is_not_taken():
    truth, rough = box(10, 20, 26, 36), box(10, 20, 16, 36)
    assert (look_closer(Closer(), picture_of(truth), rough) == rough).all()


def test_an_object_that_fills_the_photo_is_not_looked_at_again():
    large = box(2, 2, 38, 58)
    sam = Closer()
    assert look_closer(sam, picture_of(large), large) is large
    assert sam.asked == []


def test_nothing_stays_nothing():
    nothing = box(0, 0, 0, 0)
    assert not look_closer(Closer(), picture_of(nothing), nothing).any()


@pytest.mark.parametrize("corner", [(0, 0), (30, 50)])
def test_objects_at_the_edge_of_the_photo_keep_their_place(corner):
    truth = box(corner[0], corner[1], corner[0] + 10, corner[1] + 10)
    assert (look_closer(Closer(), picture_of(truth), truth) == truth).all()
