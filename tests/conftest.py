"""Fixed seeds and float64, so that known answers can be met to many digits."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _exact_and_repeatable():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
