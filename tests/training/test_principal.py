"""Fewer channels of the transformer's tokens."""

import numpy as np
import torch

from training.principal import principal, read_projection
from training.tokens import room_for


def test_components_keep_what_the_tokens_are_made_of(tmp_path):
    mixed = torch.randn(5, 40) * torch.logspace(0, -1, 5)[:, None]
    tokens = torch.einsum("kt,nkrc->ntrc", mixed, torch.randn(6, 5, 8, 8)).float() + 3
    projection = principal(tokens, components=6)
    fewer = projection(tokens)
    assert fewer.shape == (6, 6, 8, 8) and 0.8 < fewer.std() < 1.2
    back = torch.einsum("tk,nkrc->ntrc", torch.linalg.pinv(projection.matrix), fewer.float())
    torch.testing.assert_close(back, tokens, rtol=1e-3, atol=1e-3)
    projection.save(tmp_path / "projection.npy")
    assert torch.equal(read_projection(tmp_path / "projection.npy").matrix, projection.matrix)


def test_a_layer_on_components_is_one_on_tokens():
    projection = principal(torch.randn(4, 30, 6, 6), components=7)
    layer, tokens = torch.randn(5, 7, 1, 1), torch.randn(2, 30, 3, 4)
    torch.testing.assert_close(
        torch.conv2d(tokens, projection.folded(layer)),
        torch.conv2d(projection(tokens), layer),
        rtol=1e-4, atol=1e-4,
    )  # fmt: skip


def test_more_tokens_are_added_to_those_that_are_there(tmp_path):
    """Depth asks for fewer scenes than outlines do."""
    file = tmp_path / "train.npy"
    room_for(file, (2, 3))[:] = 7
    assert room_for(file, (1, 3)).shape == (2, 3)  # fewer are there
    more = room_for(file, (5, 3))
    more[2:] = 9
    more.flush()
    assert np.load(file)[:, 0].tolist() == [7, 7, 9, 9, 9]
