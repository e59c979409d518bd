"""Writes TripoSR checkpoints of any size in the official layout: random, or of a known shape."""

import copy
import json
import math
from pathlib import Path

import torch
import yaml
from torch import Tensor

from reparo.stages.reconstruct.triposr.config import read_config
from reparo.stages.reconstruct.triposr.model import TripoSr

OFFICIAL = {
    "cond_image_size": 512,
    "image_tokenizer_cls": "tsr.models.tokenizers.image.DINOSingleImageTokenizer",
    "image_tokenizer": {"pretrained_model_name_or_path": "facebook/dino-vitb16"},
    "tokenizer_cls": "tsr.models.tokenizers.triplane.Triplane1DTokenizer",
    "tokenizer": {"plane_size": 32, "num_channels": 1024},
    "backbone_cls": "tsr.models.transformer.transformer_1d.Transformer1D",
    "backbone": {
        "in_channels": "${tokenizer.num_channels}",
        "num_attention_heads": 16,
        "attention_head_dim": 64,
        "num_layers": 16,
        "cross_attention_dim": 768,
    },
    "post_processor_cls": "tsr.models.network_utils.TriplaneUpsampleNetwork",
    "post_processor": {"in_channels": 1024, "out_channels": 40},
    "decoder_cls": "tsr.models.network_utils.NeRFMLP",
    "decoder": {
        "in_channels": 120,
        "n_neurons": 64,
        "n_hidden_layers": 9,
        "activation": "silu",
    },
    "renderer_cls": "tsr.models.nerf_renderer.TriplaneNeRFRenderer",
    "renderer": {
        "radius": 0.87,
        "feature_reduction": "concat",
        "density_activation": "exp",
        "density_bias": -1.0,
        "num_samples_per_ray": 128,
    },
}

TINY = {
    "cond_image_size": 32,
    "tokenizer": {"plane_size": 4, "num_channels": 8},
    "backbone": {
        "num_attention_heads": 2,
        "attention_head_dim": 4,
        "num_layers": 1,
        "norm_num_groups": 4,
        "cross_attention_dim": 12,
    },
    "post_processor": {"in_channels": 8, "out_channels": 5},
    "decoder": {"in_channels": 15, "n_neurons": 8, "n_hidden_layers": 2},
}
TINY_VIT = {
    "hidden_size": 12,
    "num_hidden_layers": 1,
    "num_attention_heads": 3,
    "intermediate_size": 16,
    "image_size": 64,
    "patch_size": 8,
}


def merged(below: dict, above: dict) -> dict:
    """Tables laid over each other, one level deep; None in a section removes the key."""
    result = copy.deepcopy(below)
    for key, value in above.items():
        if isinstance(value, dict):
            section = {**result.get(key, {}), **value}
            result[key] = {name: one for name, one in section.items() if one is not None}
        else:
            result[key] = value
    return result


def write_config(folder: Path, changes: dict | None = None, vit: dict | None = None) -> Path:
    """A tiny checkpoint's two configuration files."""
    folder.mkdir(parents=True, exist_ok=True)
    table = merged(merged(OFFICIAL, TINY), changes or {})
    (folder / "config.yaml").write_text(yaml.safe_dump(table))
    (folder / "vit").mkdir(exist_ok=True)
    (folder / "vit" / "config.json").write_text(json.dumps({**TINY_VIT, **(vit or {})}))
    return folder


def random_weights(folder: Path) -> dict[str, Tensor]:
    """The state dict that a folder's configuration asks for, float32."""
    model = TripoSr(read_config(folder)).float()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model.state_dict()


def write_random(folder: Path, changes: dict | None = None, vit: dict | None = None) -> Path:
    """A whole checkpoint with random weights."""
    write_config(folder, changes, vit)
    torch.save(random_weights(folder), folder / "model.ckpt")
    return folder


HALF_AXES = (0.6, 0.45, 0.3)  # along x (to the viewer), y (to the right), z (up) of TripoSR's frame


def write_ellipsoid(folder: Path, half_axes: tuple[float, float, float] = HALF_AXES) -> Path:
    """A checkpoint that sees one ellipsoid in every picture; red, green, blue grow along x, y, z.

    The transformer adds nothing, so that the planes are the learned ones: channel 0 of all three
    sums up to (x/a)^2 + (y/b)^2 + (z/c)^2 = q, and channels 1 and 2 are a point's two coordinates.
    The decoder makes 10 - (10 - s) q of it, s = 1 + ln 25 being the surface's value.
    """
    size = 32
    changes = {
        "tokenizer": {"plane_size": size},
        "decoder": {"n_neurons": 4, "n_hidden_layers": 1, "activation": "relu"},
    }
    write_config(folder, changes)
    weights = random_weights(folder)
    for name in ("backbone.proj_out", "post_processor.upsample", "decoder.layers.0"):
        weights[f"{name}.weight"].zero_()
        weights[f"{name}.bias"].zero_()
    centres = ((torch.arange(size) + 0.5) / size * 2 - 1) * OFFICIAL["renderer"]["radius"]
    planes = weights["tokenizer.embeddings"].zero_()  # [3, channels, row, column]
    for plane, (column, row) in enumerate(((0, 1), (0, 2), (1, 2))):
        u, v = centres[None, :].expand(size, size), centres[:, None].expand(size, size)
        planes[plane, 0] = ((u / half_axes[column]) ** 2 + (v / half_axes[row]) ** 2) / 2
        planes[plane, 1], planes[plane, 2] = u, v
    for channel in range(3):
        weights["post_processor.upsample.weight"][channel, channel] = 1  # all of a 2 x 2 block
    surface = 1 + math.log(25)  # exp(raw - 1) = 25
    first = weights["decoder.layers.0.weight"]  # columns: 5 channels of each of the planes
    first[0, [0, 5, 10]] = -(10 - surface)
    first[1, 1] = first[2, 2] = first[3, 12] = 1  # x and y of plane xy, z of plane yz
    weights["decoder.layers.0.bias"][:] = torch.tensor([10.0, 1.0, 1.0, 1.0])
    weights["decoder.layers.2.weight"][:] = torch.eye(4)
    weights["decoder.layers.2.bias"][:] = torch.tensor([0.0, -1.0, -1.0, -1.0])
    torch.save(weights, folder / "model.ckpt")
    return folder
