"""Writes tiny networks with random weights in the model hub's folder layout.

Each folder is as the hub's own: config.json, model.safetensors, preprocessor_config.json and, where
words are read, the tokenizer's files. The real classes of `transformers` load them.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
COMMON = {
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": MEAN,
    "image_std": DEVIATION,
    "rescale_factor": 1 / 255,
}
FRAME = 64  # px of the tiny SAMs' pictures
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    ".",
    "chair",
    "lamp",
    "table",
    "ball",
    "crate",
]


@dataclass(frozen=True)
class Shelf:
    """Writes each folder when it is first asked for; the same weights every time."""

    root: Path

    @cached_property
    def sam(self) -> Path:
        return self._made("sam-vit-tiny", write_sam)

    @cached_property
    def sam2(self) -> Path:
        return self._made("sam2.1-hiera-tinier", write_sam2)

    @cached_property
    def grounding_dino(self) -> Path:
        return self._made("grounding-dino-tinier", write_grounding_dino)

    @cached_property
    def depth(self) -> Path:
        return self._made("depth-anything-v2-tiny", write_depth_anything)

    @cached_property
    def metric_depth(self) -> Path:
        return self._made("depth-anything-v2-metric-tiny", write_depth_anything, "metric")

    @cached_property
    def dinov2(self) -> Path:
        return self._made("dinov2-tiny", write_dinov2)

    def _made(self, name: str, write, *more) -> Path:
        before = torch.get_default_dtype()
        try:
            torch.set_default_dtype(torch.float32)
            with torch.random.fork_rng():
                torch.manual_seed(0)
                return write(self.root / name, *more)
        finally:
            torch.set_default_dtype(before)


def write_sam(folder: Path) -> Path:
    """facebook/sam-vit-*, two layers."""
    from transformers import SamConfig, SamModel

    config = SamConfig(
        vision_config={
            "hidden_size": 16,
            "output_channels": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": FRAME,
            "patch_size": 8,
            "window_size": 4,
            "global_attn_indexes": [1],
            "num_pos_feats": 8,
            "initializer_range": 0.1,
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": FRAME, "patch_size": 8},
        mask_decoder_config=_decoder(),
    )
    size = {"longest_edge": FRAME}
    return _written(folder, _lively(SamModel(config)), "SamImageProcessor", 2, size)


def write_sam2(folder: Path, video: bool = True) -> Path:
    """facebook/sam2.1-hiera-*: on the hub these are of the video network, pictures a part of it."""
    from transformers import Sam2Config, Sam2Model, Sam2VideoConfig, Sam2VideoModel

    parts = {
        "vision_config": {
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 8,
                "image_size": [FRAME, FRAME],
                "window_positional_embedding_background_size": [2, 2],
                "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 1, 2, 2],
                "window_size_per_stage": [4, 4, 4, 4],
                "global_attention_blocks": [3],
            },
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": 16,
        },
        "prompt_encoder_config": {"hidden_size": 16, "image_size": FRAME, "patch_size": 16},
        "mask_decoder_config": _decoder(),
    }
    if video:
        memory = {
            "image_size": FRAME,
            "memory_attention_hidden_size": 16,
            "memory_attention_feed_forward_hidden_size": 16,
            "memory_attention_num_layers": 1,
            "memory_attention_rope_feat_sizes": [4, 4],
            "memory_encoder_hidden_size": 16,
            "memory_encoder_output_channels": 8,
            "mask_downsampler_embed_dim": 16,
            "memory_fuser_num_layers": 1,
            "memory_fuser_embed_dim": 16,
            "memory_fuser_intermediate_dim": 16,
        }
        model = Sam2VideoModel(Sam2VideoConfig(**parts, **memory))
    else:
        model = Sam2Model(Sam2Config(**parts))
    size = {"height": FRAME, "width": FRAME}
    return _written(folder, _lively(model), "Sam2ImageProcessorFast", 2, size)


def write_grounding_dino(folder: Path) -> Path:
    """IDEA-Research/grounding-dino-*, with a vocabulary of eleven words."""
    from transformers import (
        BertTokenizerFast,
        GroundingDinoConfig,
        GroundingDinoForObjectDetection,
    )

    config = GroundingDinoConfig(
        backbone_config={
            "model_type": "swin",
            "image_size": 64,
            "embed_dim": 8,
            "depths": [1, 1, 1, 1],
            "num_heads": [1, 1, 2, 2],
            "window_size": 2,
            "out_indices": [2, 3, 4],
        },
        text_config={
            "model_type": "bert",
            "vocab_size": len(WORDS),
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
        },
        num_queries=12,
        encoder_layers=1,
        encoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_layers=2,
        decoder_ffn_dim=16,
        decoder_attention_heads=2,
        d_model=32,
        max_text_len=32,
    )
    folder = _written(
        folder,
        _lively(GroundingDinoForObjectDetection(config)),
        "GroundingDinoImageProcessor",
        2,
        {"shortest_edge": 64, "longest_edge": 107},
    )
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    words = {word: index for index, word in enumerate(WORDS)}
    BertTokenizerFast(vocab=words, do_lower_case=True).save_pretrained(folder)
    return folder


def write_depth_anything(folder: Path, kind: str = "relative", farthest: int = 20) -> Path:
    """depth-anything/Depth-Anything-V2-*-hf, relative or metric."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation

    config = DepthAnythingConfig(
        backbone_config={
            "model_type": "dinov2",
            **_dinov2(),
            "num_hidden_layers": 4,
            "out_indices": [1, 2, 3, 4],
            "reshape_hidden_states": False,
        },
        reassemble_hidden_size=16,
        neck_hidden_sizes=[4, 4, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=4,
        depth_estimation_type=kind,
        max_depth=farthest if kind == "metric" else 1,
    )
    model = _lively(DepthAnythingForDepthEstimation(config))
    with torch.no_grad():  # the last ReLU would leave nothing of half the random networks
        model.head.conv3.bias.fill_(3.0)
    folder = _written(folder, model, "DPTImageProcessor", 3, {"height": 56, "width": 56})
    changes = {"ensure_multiple_of": 14, "keep_aspect_ratio": True}
    return _changed(folder / "preprocessor_config.json", changes).parent


def write_dinov2(folder: Path) -> Path:
    """facebook/dinov2-*."""
    from transformers import Dinov2Config, Dinov2Model

    model = _lively(Dinov2Model(Dinov2Config(**_dinov2(), num_hidden_layers=2)))
    folder = _written(folder, model, "BitImageProcessor", 3, {"shortest_edge": 256})
    crop = {"do_center_crop": True, "crop_size": {"height": 224, "width": 224}}
    return _changed(folder / "preprocessor_config.json", crop).parent


def _dinov2() -> dict:
    return {
        "hidden_size": 16,
        "num_attention_heads": 2,
        "mlp_ratio": 2,
        "image_size": 70,
        "patch_size": 14,
        "initializer_range": 0.1,
    }


def _decoder() -> dict:
    return {
        "hidden_size": 16,
        "mlp_dim": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "iou_head_hidden_dim": 16,
    }


def _lively(model):
    """Weights large enough that what goes in makes a difference to what comes out."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.normal_(std=weight[0].numel() ** -0.5)
    return model


def _written(folder: Path, model, processor: str, resample: int, size: dict) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    model.float().save_pretrained(folder)
    table = {**COMMON, "image_processor_type": processor, "resample": resample, "size": size}
    (folder / "preprocessor_config.json").write_text(json.dumps(table, indent=2))
    return folder


def _changed(path: Path, changes: dict) -> Path:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}, indent=2))
    return path
