"""Fixed seeds and float64, so that known answers can be met to many digits."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _exact_and_repeatable():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="session")
def networks(tmp_path_factory):
    """Folders of tiny networks with random weights, in the model hub's layout."""
    pytest.importorskip("transformers", reason="the extra `paper` is not installed")
    from tiny_networks import Shelf

    return Shelf(tmp_path_factory.mktemp("networks"))
