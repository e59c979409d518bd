"""Diffusion networks of a few thousand random weights, saved in the model hub's own folder layout.

The files' names, the configurations' keys and the weights' names are those of the published
folders, also where the libraries now write other ones: Stable Diffusion 1.5's old names of its
text encoder's and autoencoder's weights, half precision files called `*.fp16.safetensors`, and
parts that are listed but not there (the safety checker).
"""

import json
import math
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from reparo.stages.diffusion import undisturbed

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789,.{}-"
HALF_AXES = (0.3, 0.6, 0.45)  # of the tiny Shap-E's body: to the right, into depth, up
NATIVE = 32  # px: the tiny inpainting networks' own size


@undisturbed()
def write_inpainting(folder: Path, *, xl: bool = False, half: bool = False) -> Path:
    """An inpainting pipeline as published: SD 1.5's, or SDXL's."""
    from diffusers import DDIMScheduler, EulerDiscreteScheduler

    torch.manual_seed(0)
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    scheduler = EulerDiscreteScheduler(**betas) if xl else DDIMScheduler(**betas, clip_sample=False)
    scheduler.save_pretrained(folder / "scheduler")
    _unet(xl).save_pretrained(folder / "unet")
    _autoencoder().save_pretrained(folder / "vae")
    parts = {
        "scheduler": ["diffusers", type(scheduler).__name__],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    _text_encoder(folder, "", projected=False)
    if xl:
        _text_encoder(folder, "_2", projected=True)
        parts["text_encoder_2"] = ["transformers", "CLIPTextModelWithProjection"]
        parts["tokenizer_2"] = ["transformers", "CLIPTokenizer"]
        index = {"_class_name": "StableDiffusionXLInpaintPipeline"}
        index |= {"force_zeros_for_empty_prompt": True, "requires_aesthetics_score": False}
    else:
        _old_names(folder)
        parts["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
        parts["feature_extractor"] = ["transformers", "CLIPFeatureExtractor"]
        index = {"_class_name": "StableDiffusionInpaintPipeline"}
    index |= {"_diffusers_version": "0.6.0", **parts}
    (folder / "model_index.json").write_text(json.dumps(index))
    if half:
        _halve(folder)
    return folder


@undisturbed()
def write_shap_e(folder: Path, half_axes: tuple[float, float, float] | None = HALF_AXES) -> Path:
    """Shap-E's pipeline for pictures, as published, a part that nobody uses included.

    It sees one smooth body of these half axes in every picture, or something random; red, green
    and blue grow along its x, y, z.
    """
    from diffusers import HeunDiscreteScheduler, PriorTransformer
    from diffusers.pipelines.shap_e import ShapERenderer
    from transformers import CLIPVisionConfig, CLIPVisionModel

    torch.manual_seed(0)
    vision = CLIPVisionConfig(
        hidden_size=16, image_size=32, projection_dim=16, num_attention_heads=2,
        num_channels=3, num_hidden_layers=1, patch_size=8, intermediate_size=16,
    )  # fmt: skip
    CLIPVisionModel(vision).float().save_pretrained(folder / "image_encoder")
    PriorTransformer(
        num_attention_heads=2, attention_head_dim=8, embedding_dim=16, num_embeddings=32,
        embedding_proj_dim=16, time_embed_dim=32, num_layers=1, clip_embed_dim=32,
        additional_embeddings=0, time_embed_act_fn="gelu", norm_in_type="layer",
        embedding_proj_norm_type="layer", encoder_hid_proj_type=None, added_emb_type=None,
    ).float().save_pretrained(folder / "prior")  # fmt: skip
    HeunDiscreteScheduler(
        beta_schedule="exp", num_train_timesteps=1024, prediction_type="sample",
        use_karras_sigmas=True, clip_sample=True, clip_sample_range=1.0,
    ).save_pretrained(folder / "scheduler")  # fmt: skip
    renderer = ShapERenderer(
        param_shapes=((8, 93), (8, 8), (8, 8), (8, 8)), d_latent=16, d_hidden=8, n_output=12,
    ).float()  # fmt: skip
    if half_axes is not None:
        _draw_ellipsoid(renderer, half_axes)
    renderer.save_pretrained(folder / "shap_e_renderer")
    index = {
        "_class_name": "ShapEImg2ImgPipeline",
        "_diffusers_version": "0.19.0.dev0",
        "image_encoder": ["transformers", "CLIPVisionModel"],
        "image_processor": ["transformers", "CLIPImageProcessor"],
        "prior": ["diffusers", "PriorTransformer"],
        "renderer": ["shap_e", "ShapERenderer"],
        "scheduler": ["diffusers", "HeunDiscreteScheduler"],
        "shap_e_renderer": ["shap_e", "ShapERenderer"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    processor = folder / "image_processor" / "preprocessor_config.json"
    processor.parent.mkdir()
    seeing = {"image_mean": [0.481, 0.458, 0.408], "image_std": [0.269, 0.261, 0.276]}
    seeing |= {"image_processor_type": "CLIPImageProcessor", "resample": 3, "size": 32}
    processor.write_text(json.dumps(seeing))
    return folder


def _draw_ellipsoid(renderer, half_axes: tuple[float, float, float]) -> None:
    """Weights with which the field is inside where sum a_i (1 - cos x_i) < 1.

    a_i = 1 / (1 - cos r_i), so that the half axes are r_i. The first layer adds 30, where the
    activation is the identity to float32's last digits; the layers after it pass on four numbers.
    """
    sharpness = torch.tensor([1 / (1 - math.cos(r)) for r in half_axes])
    first = torch.zeros(8, 93)
    first[0, 48:51] = sharpness  # the encoding: x, 45 sines, 45 cosines, the plain ones first
    first[1, 0] = first[2, 1] = first[3, 2] = 1
    passing = torch.zeros(8, 8)
    passing[:4, :4] = torch.eye(4)
    for projection, weight in zip(
        renderer.params_proj.projections.values(), (first, *[passing] * 3), strict=True
    ):
        projection.norm.weight.data.zero_()
        projection.norm.bias.data.zero_()
        projection.proj.bias.data[:] = weight.flatten()
    layers = renderer.mlp.mlp
    for layer in layers:
        layer.bias.data.zero_()
        layer.weight.data.zero_()
    layers[0].bias.data[:4] = 30
    for layer in layers[4:-1]:
        layer.weight.data[:4, :4] = torch.eye(4)
    layers[-1].weight.data[0, 0] = 1
    layers[-1].bias.data[0] = 1 - 30 - float(sharpness.sum())
    for channel in range(3):
        layers[-1].weight.data[3 + channel, 1 + channel] = 4
        layers[-1].bias.data[3 + channel] = -4 * 30


def _unet(xl: bool):
    from diffusers import UNet2DConditionModel

    more = {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 4,
        "projection_class_embeddings_input_dim": 6 * 4 + 16,
        "use_linear_projection": True,
    }
    return UNet2DConditionModel(
        sample_size=NATIVE // 2, in_channels=9, out_channels=4, layers_per_block=1,
        block_out_channels=(8, 16), norm_num_groups=4, attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32 if xl else 16, **(more if xl else {}),
    ).float()  # fmt: skip


def _autoencoder():
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 8), norm_num_groups=4, latent_channels=4, sample_size=NATIVE,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    ).float()  # fmt: skip


def _text_encoder(folder: Path, suffix: str, *, projected: bool) -> None:
    """A text encoder and its tokenizer, which knows single letters."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    words = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    vocabulary = {word: index for index, word in enumerate(words)}
    start, end = len(words), len(words) + 1
    vocabulary |= {"<|startoftext|>": start, "<|endoftext|>": end}
    config = CLIPTextConfig(
        hidden_size=16, intermediate_size=16, num_attention_heads=2, num_hidden_layers=1,
        vocab_size=len(vocabulary), projection_dim=16, bos_token_id=start, eos_token_id=end,
        pad_token_id=1,
    )  # fmt: skip
    cls = CLIPTextModelWithProjection if projected else CLIPTextModel
    cls(config).float().save_pretrained(folder / f"text_encoder{suffix}")
    tokenizer = folder / f"tokenizer{suffix}"
    tokenizer.mkdir()
    (tokenizer / "vocab.json").write_text(json.dumps(vocabulary))
    (tokenizer / "merges.txt").write_text("#version: 0.2\n")
    marks = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>"}
    marks |= {"unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    (tokenizer / "special_tokens_map.json").write_text(json.dumps(marks))
    table = {**marks, "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
    table |= {"do_lower_case": True, "errors": "replace", "add_prefix_space": False}
    (tokenizer / "tokenizer_config.json").write_text(json.dumps(table))


def _old_names(folder: Path) -> None:
    """Weights as Stable Diffusion 1.5's files call them."""
    path = folder / "text_encoder" / "model.safetensors"
    weights = load_file(path)
    prefix = "text_model."
    weights = {f"{prefix}{key.removeprefix(prefix)}": value for key, value in weights.items()}
    weights[f"{prefix}embeddings.position_ids"] = torch.arange(77)[None]
    save_file(weights, path, {"format": "pt"})
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    renamed = {}
    for key, value in load_file(path).items():
        for new_name, old_name in old.items():
            key = key.replace(f".{new_name}.", f".{old_name}.")
        renamed[key] = value
    save_file(renamed, path, {"format": "pt"})


def _halve(folder: Path) -> None:
    """The half precision files only, as a pull of them leaves them."""
    for path in list(folder.glob("*/*.safetensors")):
        weights = {
            key: value.half() if value.is_floating_point() else value
            for key, value in load_file(path).items()
        }
        save_file(weights, path.with_suffix(".fp16.safetensors"), {"format": "pt"})
        path.unlink()
