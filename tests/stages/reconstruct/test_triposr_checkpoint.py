"""TripoSR checkpoints of other sizes, and broken ones."""

import json
import os
from pathlib import Path

import pytest
import torch
import yaml
from tiny_triposr import OFFICIAL, random_weights, write_config, write_random

from reparo.errors import InputError
from reparo.stages.reconstruct.triposr import TripoSr, load
from reparo.stages.reconstruct.triposr.config import VitConfig, read_config

SIZES = {
    "as it is": ({}, {}),
    "picture as trained": ({"cond_image_size": 64}, {}),
    "picture no multiple of a patch": ({"cond_image_size": 43}, {}),
    "larger picture than trained": ({"cond_image_size": 104}, {}),
    "one head": ({"backbone": {"num_attention_heads": 1, "attention_head_dim": 6}}, {}),
    "wider than its channels": ({"backbone": {"num_attention_heads": 3, "num_layers": 3}}, {}),
    "larger planes": ({"tokenizer": {"plane_size": 7}}, {}),
    "more channels": (
        {"tokenizer": {"num_channels": 24}, "post_processor": {"in_channels": 24}},
        {},
    ),
    "usual groups": (
        {
            "tokenizer": {"num_channels": 64},
            "backbone": {"norm_num_groups": None},
            "post_processor": {"in_channels": 64},
        },
        {},
    ),
    "deeper decoder": ({"decoder": {"n_neurons": 11, "n_hidden_layers": 5}}, {}),
    "relu by default": ({"decoder": {"activation": None}}, {}),
    "decoder without bias": ({"decoder": {"bias": False}}, {}),
    "mean of planes": (
        {"renderer": {"feature_reduction": "mean"}, "decoder": {"in_channels": 5}},
        {},
    ),
    "other activations": (
        {"renderer": {"density_activation": "softplus", "color_activation": "tanh"}},
        {},
    ),
    "attention with bias": ({"backbone": {"attention_bias": True}}, {}),
    "plain gelu": ({"backbone": {"activation_fn": "gelu"}}, {}),
    "norms without weights": ({"backbone": {"norm_elementwise_affine": False}}, {}),
    "other cross width": ({"backbone": {"cross_attention_dim": 10}}, {"hidden_size": 10,
                          "num_attention_heads": 5}),
    "another ViT": ({}, {"patch_size": 4, "image_size": 20, "num_hidden_layers": 3}),
    "ViT without bias, relu": ({}, {"qkv_bias": False, "hidden_act": "relu"}),
}  # fmt: skip


@pytest.mark.parametrize("name", list(SIZES))
def test_checkpoints_of_other_sizes_load_and_run(tmp_path, name):
    changes, vit = SIZES[name]
    model = load(write_random(tmp_path, changes, vit))
    planes = model.triplanes(torch.rand(20, 31, 3))
    config = model.config
    side = 2 * config.tokenizer.plane_size
    assert planes.shape == (3, config.post_processor.out_channels, side, side)
    density, colour = model.query(planes, torch.rand(17, 3) - 0.5)
    assert density.shape == (17,) and colour.shape == (17, 3)
    for values in (planes, density, colour):
        assert values.dtype == torch.float32 and values.isfinite().all()


def test_every_weight_matters_but_the_poolers(tmp_path):
    """No part of the network is built and then left out."""
    model = load(write_random(tmp_path))
    rgb, points = torch.rand(32, 32, 3), torch.rand(40, 3) - 0.5
    density, colour = model.requires_grad_(True).query(model.triplanes(rgb), points)
    (density.sum() + colour.sum()).backward()
    idle = {name for name, one in model.named_parameters()
            if one.grad is None or not one.grad.abs().sum() > 0}  # fmt: skip
    # a key's bias moves all scores of a query alike, which softmax takes back: exactly, but for
    # rounding
    assert {name for name in idle if not name.endswith("key.bias")} == {
        "image_tokenizer.model.pooler.dense.weight",
        "image_tokenizer.model.pooler.dense.bias",
    }


def test_without_a_vit_config_it_is_dino_vitb16(tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(OFFICIAL))
    config = read_config(tmp_path)
    assert config.vit == VitConfig(768, 12, 12, 3072, 224, 16, 3, "gelu", 1e-12, True)
    with torch.device("meta"):
        model = TripoSr(config)
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    head = "image_tokenizer.model"
    assert shapes[f"{head}.embeddings.position_embeddings"] == [1, 197, 768]
    assert shapes[f"{head}.encoder.layer.11.intermediate.dense.weight"] == [3072, 768]
    assert f"{head}.encoder.layer.12.intermediate.dense.weight" not in shapes
    assert shapes["backbone.proj_in.weight"] == [1024, 1024]  # ${tokenizer.num_channels}
    assert shapes["backbone.transformer_blocks.15.attn2.to_k.weight"] == [1024, 768]
    assert shapes["decoder.layers.18.weight"] == [4, 64]


def test_numbers_that_yaml_reads_as_text_are_numbers(tmp_path):
    write_random(tmp_path, {"renderer": {"density_bias": "-1e0"}})
    assert read_config(tmp_path).renderer.density_bias == -1


def test_keys_that_matter_in_training_alone_are_let_pass(tmp_path):
    changes = {"backbone": {"dropout": 0.1, "gradient_checkpointing": True}}
    load(write_random(tmp_path, changes))


@pytest.mark.parametrize(
    "key",
    ["cond_image_size", "tokenizer", "renderer", "decoder_cls", "backbone"],
)
def test_an_absent_key_is_named(tmp_path, key):
    write_random(tmp_path)
    table = yaml.safe_load((tmp_path / "config.yaml").read_text())
    del table[key]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(table))
    with pytest.raises(InputError, match=f"needs the key '{key}'"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("section", "key"),
    [("tokenizer", "plane_size"), ("decoder", "n_neurons"), ("renderer", "radius")],
)
def test_an_absent_key_of_a_section_is_named(tmp_path, section, key):
    write_config(tmp_path, {section: {key: None}})
    with pytest.raises(InputError, match=f"{section} needs the key '{key}'"):
        load(tmp_path)


WRONG = {
    "a typing error": ({"backbone": {"num_heads": 3}}, "unknown key 'num_heads'"),
    "a further section": ({"upscaler": {"factor": 2}}, "unknown key 'upscaler'"),
    "text for a number": ({"cond_image_size": "large"}, "whole number above 0, got 'large'"),
    "nought": ({"tokenizer": {"plane_size": 0}}, "plane_size is a whole number above 0, got 0"),
    "true for a number": ({"renderer": {"radius": True}}, "radius is a number, got True"),
    "half a channel": ({"post_processor": {"out_channels": 2.5}}, "whole number above 0, got 2.5"),
    "another class": ({"decoder_cls": "other.models.MLP"}, "decoder_cls is a NeRFMLP"),
    "a number for a section": ({"decoder": 5}, "decoder is a table, got 5"),
    "another norm": ({"backbone": {"norm_type": "ada_norm"}}, "one of layer_norm, got 'ada_norm'"),
    "another activation": ({"renderer": {"density_activation": "cube"}}, "got 'cube'"),
    "a reference to nothing": ({"backbone": {"in_channels": "${tokenizer.size}"}}, "leads nowhere"),
    "a circle": ({"backbone": {"in_channels": "${backbone.in_channels}"}}, "leads nowhere"),
    "parts that do not fit": ({"decoder": {"in_channels": 14}}, "in_channels must be 15"),
    "channels no groups fit": ({"backbone": {"norm_num_groups": 3}}, "norm_num_groups"),
    "a picture below a patch": ({"cond_image_size": 7}, "at least the ViT's patch_size 8, got 7"),
    "another cross width": ({"backbone": {"cross_attention_dim": 13}}, "must be 12"),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_a_wrong_configuration_is_told_in_a_sentence(tmp_path, name):
    changes, sentence = WRONG[name]
    write_config(tmp_path, changes)
    with pytest.raises(InputError) as caught:
        load(tmp_path)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_configuration_that_is_no_yaml_is_told_in_a_sentence(tmp_path):
    (tmp_path / "config.yaml").write_text("a: [1, 2\nb: }")
    with pytest.raises(InputError, match="cannot read") as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_vit_config_that_is_no_json_is_told(tmp_path):
    write_config(tmp_path)
    (tmp_path / "vit" / "config.json").write_text(json.dumps([1]))
    with pytest.raises(InputError, match=r"config.json is a table"):
        load(tmp_path)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match=r"there is no .*config.yaml"):
        load(tmp_path / "nowhere")


def test_absent_weights_are_told(tmp_path):
    with pytest.raises(InputError, match=r"model.ckpt or model.safetensors"):
        load(write_config(tmp_path))


def saved(folder: Path, weights: object) -> Path:
    write_config(folder)
    torch.save(weights, folder / "model.ckpt")
    return folder


@pytest.mark.parametrize("key", ["tokenizer.embeddings", "image_tokenizer.model.layernorm.bias"])
def test_a_missing_weight_is_named(tmp_path, key):
    weights = random_weights(write_config(tmp_path))
    del weights[key]
    with pytest.raises(InputError, match=f"lacks {key}"):
        load(saved(tmp_path, weights))


def test_weights_without_a_place_are_named(tmp_path):
    weights = random_weights(write_config(tmp_path))
    weights |= {"lora.up": torch.ones(1), "lora.down": torch.ones(1)}
    with pytest.raises(InputError, match=r"has lora.up and 1 more, for which"):
        load(saved(tmp_path, weights))


def test_a_weight_of_another_shape_is_named(tmp_path):
    weights = random_weights(write_config(tmp_path))
    weights["decoder.layers.0.weight"] = torch.ones(8, 14)
    with pytest.raises(InputError, match=r"layers.0.weight must be \[8, 15\].*got \[8, 14\]"):
        load(saved(tmp_path, weights))


def test_weights_that_are_no_tensors_are_refused(tmp_path):
    with pytest.raises(InputError, match="tensors by name"):
        load(saved(tmp_path, [1, 2, 3]))


class Mischief:
    """What a pickle could do if it were let."""

    def __reduce__(self):
        return os.mkdir, ("mischief",)


def test_a_pickle_that_does_something_is_refused_and_does_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="tensors and nothing else"):
        load(saved(tmp_path, {"tokenizer.embeddings": Mischief()}))
    assert not (tmp_path / "mischief").exists()


@pytest.mark.parametrize("length", [0, 100, 4000])
def test_half_a_file_is_told(tmp_path, length):
    path = write_random(tmp_path) / "model.ckpt"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match=r"model\.ckpt"):
        load(tmp_path)
