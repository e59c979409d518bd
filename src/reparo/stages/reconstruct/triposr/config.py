"""The numbers of a TripoSR checkpoint: its `config.yaml`, and `vit/config.json` beside it.

Names and defaults are the original's. What matters in training alone is accepted and not kept.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from reparo.errors import InputError
from reparo.stages.reconstruct.triposr.tables import filled, fitted, resolved

CLASSES = {  # section -> the one class of the original that is built here
    "image_tokenizer": "DINOSingleImageTokenizer",
    "tokenizer": "Triplane1DTokenizer",
    "backbone": "Transformer1D",
    "post_processor": "TriplaneUpsampleNetwork",
    "decoder": "NeRFMLP",
    "renderer": "TriplaneNeRFRenderer",
}
IGNORED = {  # keys that matter in training alone
    "tokenizer": (),
    "backbone": ("dropout", "upcast_attention", "gradient_checkpointing", "out_channels"),
    "post_processor": (),
    "decoder": ("weight_init", "bias_init"),
    "renderer": ("num_samples_per_ray", "randomized"),
}

OutputActivation = Literal[
    "none", "exp", "trunc_exp", "sigmoid", "tanh", "softplus", "relu", "silu", "elu", "gelu"
]  # trunc_exp is exp with another gradient


@dataclass(frozen=True)
class VitConfig:
    """The ViT that sees the picture; the defaults are those of facebook/dino-vitb16."""

    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    image_size: int = 224  # px it was trained at: what its position embedding is made for
    patch_size: int = 16
    num_channels: int = 3
    hidden_act: Literal["gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "relu", "silu"] = (
        "gelu"
    )
    layer_norm_eps: float = 1e-12
    qkv_bias: bool = True


@dataclass(frozen=True)
class PlanesConfig:
    """The learned planes that the transformer starts from."""

    plane_size: int
    num_channels: int


@dataclass(frozen=True)
class TransformerConfig:
    """The transformer from plane tokens to plane tokens, looking at the image tokens."""

    in_channels: int
    num_attention_heads: int = 16
    attention_head_dim: int = 88
    num_layers: int = 1
    norm_num_groups: int = 32
    cross_attention_dim: int | None = None
    attention_bias: bool = False
    activation_fn: Literal["geglu", "gelu", "gelu-approximate", "geglu-approximate"] = "geglu"
    only_cross_attention: bool = False
    double_self_attention: bool = False
    norm_type: Literal["layer_norm"] = "layer_norm"
    norm_elementwise_affine: bool = True

    @property
    def width(self) -> int:
        """Channels inside."""
        return self.num_attention_heads * self.attention_head_dim

    @property
    def first_source_width(self) -> int:
        """Channels of what the first attention of a block looks at."""
        return (self.only_cross_attention and self.cross_attention_dim) or self.width

    @property
    def second_source_width(self) -> int | None:
        """Channels of what the second attention looks at, the image tokens; None: there is none."""
        return self.width if self.double_self_attention else self.cross_attention_dim


@dataclass(frozen=True)
class UpsamplerConfig:
    """From tokens to planes twice as fine."""

    in_channels: int
    out_channels: int


@dataclass(frozen=True)
class DecoderConfig:
    """From plane features to density and colour."""

    in_channels: int
    n_neurons: int
    n_hidden_layers: int
    activation: Literal["relu", "silu"] = "relu"
    bias: bool = True


@dataclass(frozen=True)
class FieldConfig:
    """How the planes are asked."""

    radius: float  # half the side of the cube that the planes span
    feature_reduction: Literal["concat", "mean"] = "concat"
    density_activation: OutputActivation = "trunc_exp"
    density_bias: float = -1.0
    color_activation: OutputActivation = "sigmoid"


@dataclass(frozen=True)
class Config:
    """All of it, checked against itself."""

    cond_image_size: int  # px, square, as the ViT sees the picture
    vit: VitConfig
    tokenizer: PlanesConfig
    backbone: TransformerConfig
    post_processor: UpsamplerConfig
    decoder: DecoderConfig
    renderer: FieldConfig


def read_config(folder: Path) -> Config:
    """Reads `config.yaml`, and `vit/config.json` where there is one."""
    path = folder / "config.yaml"
    tables = _read(path, _yaml)
    _check_sections(tables, path)
    tables = resolved(tables, tables, str(path))

    def section(name: str, record: Any) -> Any:
        return filled(record, tables[name], f"{path}: {name}", IGNORED[name])

    config = Config(
        fitted(tables["cond_image_size"], int, f"{path}: cond_image_size"),
        _read_vit(folder / "vit" / "config.json"),
        section("tokenizer", PlanesConfig),
        section("backbone", TransformerConfig),
        section("post_processor", UpsamplerConfig),
        section("decoder", DecoderConfig),
        section("renderer", FieldConfig),
    )
    _check_agreement(config, folder)
    return config


def _read(path: Path, parse: Callable[[str], Any]) -> Any:
    if not path.is_file():
        raise InputError(
            f"a TripoSR checkpoint is a folder with config.yaml and model.ckpt, but there is no "
            f"{path}; give the folder as published"
        )
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}; fetch it again") from error


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _read_vit(path: Path) -> VitConfig:
    """A ViT's configuration as the `transformers` library writes it; most keys are not needed."""
    if not path.is_file():
        return VitConfig()
    table = _read(path, json.loads)
    if isinstance(table, dict):
        known = {one.name for one in fields(VitConfig)}
        table = {key: value for key, value in table.items() if key in known}
    return filled(VitConfig, table, str(path))


def _check_sections(tables: Any, path: Path) -> None:
    if not isinstance(tables, dict):
        raise InputError(f"{path} holds a table, got {tables!r}; fetch it again")
    wanted = ["cond_image_size", *CLASSES, *(f"{name}_cls" for name in CLASSES)]
    for name in wanted:
        if name not in tables:
            raise InputError(f"{path} needs the key {name!r}, which is not there; add it")
    for key in tables:
        if key not in wanted:
            raise InputError(
                f"{path} has the unknown key {key!r}; known are {', '.join(wanted)}: remove it"
            )
    for name, kind in CLASSES.items():
        if str(tables[f"{name}_cls"]).rpartition(".")[2] != kind:
            raise InputError(
                f"{path}: {name}_cls is a {kind} in every TripoSR, got {tables[f'{name}_cls']!r}; "
                "give a TripoSR checkpoint"
            )


def _check_agreement(config: Config, folder: Path) -> None:
    """What one part gives is what the next one takes."""
    vit, backbone, decoder = config.vit, config.backbone, config.decoder
    planes = 3 if config.renderer.feature_reduction == "concat" else 1
    looks = [backbone.second_source_width]
    looks += [backbone.first_source_width] if backbone.only_cross_attention else []
    pairs = [
        ("backbone.in_channels", backbone.in_channels, config.tokenizer.num_channels),
        ("post_processor.in_channels", config.post_processor.in_channels, backbone.in_channels),
        ("decoder.in_channels", decoder.in_channels, planes * config.post_processor.out_channels),
        *(("backbone.cross_attention_dim", look, vit.hidden_size) for look in looks if look),
        ("the ViT's num_channels", vit.num_channels, 3),
        ("backbone.in_channels / norm_num_groups' rest",
         backbone.in_channels % backbone.norm_num_groups, 0),
        ("the ViT's hidden_size / num_attention_heads' rest",
         vit.hidden_size % vit.num_attention_heads, 0),
    ]  # fmt: skip
    for name, value, wanted in pairs:
        if value != wanted:
            raise InputError(
                f"{folder}: {name} must be {wanted} for the parts to fit, got {value}; mend "
                "config.yaml (or vit/config.json)"
            )
    if min(config.cond_image_size, vit.image_size) < vit.patch_size:
        raise InputError(
            f"{folder}: cond_image_size must be at least the ViT's patch_size {vit.patch_size}, "
            f"got {config.cond_image_size}; mend config.yaml"
        )
    if not config.renderer.radius > 0:
        raise InputError(
            f"{folder}: renderer.radius must be above 0, got {config.renderer.radius}; mend it"
        )
