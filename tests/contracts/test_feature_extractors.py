"""What `contracts.FeatureExtractor` promises, asked of every installed backend."""

import pytest
import torch

from reparo import contracts, registry
from reparo.errors import MissingExtra, MissingWeights

# A backend that needs networks is tried where they were pulled: `pytest -m weights`; those of the
# hub's layout are tried with tiny random ones.
BACKENDS = [
    pytest.param(name, marks=[] if name == "dinov2" else pytest.mark.weights)
    for name in registry.names("features")
]


@pytest.fixture(params=BACKENDS)
def extractor(request):
    settings = {}
    if request.param == "dinov2":
        settings = {"weights": request.getfixturevalue("networks").dinov2}
    try:
        backend = registry.create("features", request.param, **settings)
        backend(torch.rand(28, 28, 3))
    except (MissingWeights, MissingExtra) as error:
        pytest.skip(str(error))
    return backend


def test_it_is_a_feature_extractor(extractor):
    assert isinstance(extractor, contracts.FeatureExtractor)


@pytest.mark.parametrize("shape", [(56, 56), (40, 90), (300, 200)])
def test_any_picture_gives_rows_first_finite_vectors(extractor, shape):
    answer = extractor(torch.rand(*shape, 3))
    assert (answer.shape[0] > answer.shape[1]) == (shape[0] > shape[1])
    assert answer.isfinite().all()


def test_patches_of_one_texture_are_more_alike_than_those_of_two(extractor):
    """Left a pattern, right flat: rows first means that the second axis crosses the border."""
    rgb = torch.full((112, 112, 3), 0.5)
    rgb[:, :56] = torch.rand(7, 7, 3).repeat(16, 8, 1)  # once a patch, at 224 px
    answer = torch.nn.functional.normalize(extractor(rgb), dim=-1)
    rows, columns = answer.shape[:2]
    down = (answer[0, 0] * answer[rows - 1, 0]).sum()
    across = (answer[0, 0] * answer[0, columns - 1]).sum()
    assert down > across


def test_it_is_differentiable_and_repeatable(extractor):
    rgb = torch.rand(56, 56, 3, requires_grad=True)
    answer = extractor(rgb)
    answer.square().mean().backward()
    assert rgb.grad is not None
    assert rgb.grad.isfinite().all()
    assert rgb.grad.abs().sum() > 0
    torch.testing.assert_close(extractor(rgb), answer)
