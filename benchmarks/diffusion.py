"""Time and peak memory of the diffusion networks in their official sizes, per step, as a table.

    python benchmarks/diffusion.py [--device cuda] [--networks sd15 sdxl shap-e] [--steps 2]

Folders with random weights (2.1, 6.9 and 2.6 GB) are written to a temporary folder and read like
the real ones. `a step` is one of the network's, of which a picture takes about 30, an object 64.
Memory is the process's own on a CPU (Linux), and what was taken of the device's elsewhere.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from triposr import measured, row

from reparo.scene import Cutout
from reparo.stages.complete import paint
from reparo.stages.diffusion import load, undisturbed
from reparo.stages.pretrained import Place, forget
from reparo.stages.reconstruct.shap_e.backend import KIND, NEEDS, ShapEReconstructor
from reparo.stages.reconstruct.shap_e.field import Cutting, cut

DOWN, ATTENTIVE = "DownBlock2D", "CrossAttnDownBlock2D"
UP, UP_ATTENTIVE = "UpBlock2D", "CrossAttnUpBlock2D"
UNETS: dict[str, dict[str, Any]] = {
    "sd15": {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8},
    "sdxl": {
        "sample_size": 128,
        "cross_attention_dim": 2048,
        "attention_head_dim": (5, 10, 20),
        "block_out_channels": (320, 640, 1280),
        "down_block_types": (DOWN, ATTENTIVE, ATTENTIVE),
        "up_block_types": (UP_ATTENTIVE, UP_ATTENTIVE, UP),
        "transformer_layers_per_block": (1, 2, 10),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
}
TEXT = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
LARGER_TEXT = {"hidden_size": 1280, "intermediate_size": 5120, "num_attention_heads": 20}


@undisturbed()
def write_inpainting(folder: Path, name: str) -> None:
    """Random half precision weights of Stable Diffusion's sizes."""
    import diffusers
    import transformers

    def save(part: str, network: Any) -> None:
        network.half().save_pretrained(folder / part, variant="fp16")

    save("unet", diffusers.UNet2DConditionModel(in_channels=9, **UNETS[name]))
    save("vae", diffusers.AutoencoderKL(
        block_out_channels=(128, 256, 512, 512), layers_per_block=2, sample_size=512,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    ))  # fmt: skip
    config = transformers.CLIPTextConfig(**TEXT, num_hidden_layers=12, vocab_size=49408)
    save("text_encoder", transformers.CLIPTextModel(config))
    write_tokenizer(folder / "tokenizer")
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    diffusers.DDIMScheduler(**betas, clip_sample=False).save_pretrained(folder / "scheduler")
    parts = {
        "_class_name": "StableDiffusionInpaintPipeline",
        "_diffusers_version": "0.30.0",
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    if name == "sdxl":
        config = transformers.CLIPTextConfig(
            **LARGER_TEXT, num_hidden_layers=32, projection_dim=1280, vocab_size=49408
        )
        save("text_encoder_2", transformers.CLIPTextModelWithProjection(config))
        write_tokenizer(folder / "tokenizer_2")
        parts["_class_name"] = "StableDiffusionXLInpaintPipeline"
        parts["text_encoder_2"] = ["transformers", "CLIPTextModelWithProjection"]
        parts["tokenizer_2"] = parts["tokenizer"]
    (folder / "model_index.json").write_text(json.dumps(parts))


@undisturbed()
def write_shap_e(folder: Path) -> None:
    """Random weights of Shap-E's sizes."""
    import diffusers
    import transformers
    from diffusers.pipelines.shap_e import ShapERenderer

    vision = transformers.CLIPVisionConfig(
        hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16,
        image_size=224, patch_size=14,
    )  # fmt: skip
    transformers.CLIPVisionModel(vision).save_pretrained(folder / "image_encoder")
    diffusers.PriorTransformer(
        num_attention_heads=16, attention_head_dim=64, num_layers=24, embedding_dim=1024,
        num_embeddings=1024, additional_embeddings=0, time_embed_act_fn="gelu",
        norm_in_type="layer", embedding_proj_norm_type="layer", encoder_hid_proj_type=None,
        added_emb_type=None, time_embed_dim=4096, embedding_proj_dim=1024, clip_embed_dim=2048,
    ).save_pretrained(folder / "prior")  # fmt: skip
    diffusers.HeunDiscreteScheduler(
        beta_schedule="exp", num_train_timesteps=1024, prediction_type="sample",
        use_karras_sigmas=True, clip_sample=True, clip_sample_range=1.0,
    ).save_pretrained(folder / "scheduler")  # fmt: skip
    ShapERenderer().save_pretrained(folder / "shap_e_renderer")
    seeing = {"image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28], "size": 224}
    (folder / "image_processor").mkdir()
    (folder / "image_processor" / "preprocessor_config.json").write_text(json.dumps(seeing))
    parts = {
        "_class_name": KIND,
        "_diffusers_version": "0.30.0",
        "image_encoder": ["transformers", "CLIPVisionModel"],
        "image_processor": ["transformers", "CLIPImageProcessor"],
        "prior": ["diffusers", "PriorTransformer"],
        "scheduler": ["diffusers", "HeunDiscreteScheduler"],
        "shap_e_renderer": ["shap_e", "ShapERenderer"],
    }
    (folder / "model_index.json").write_text(json.dumps(parts))


def write_tokenizer(folder: Path) -> None:
    """One that knows single letters: the text encoder always sees 77 tokens."""
    folder.mkdir()
    letters = "abcdefghijklmnopqrstuvwxyz,."
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>"]
    words.append("<|endoftext|>")
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    table = {"model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(table))


def bench_inpainting(folder: Path, name: str, place: Place, steps: int) -> None:
    """Loading, one step, and all that is no step."""
    write_inpainting(folder, name)
    key = ("inpaint", folder, place)
    _, cost = measured(place.device, lambda: paint.only_one(
        key, lambda: load(folder, paint.KINDS, place, ("unet", "vae"))
    ))  # fmt: skip
    row(f"{name}: load", cost)
    size = paint.native_size(folder)
    rgb, hole = torch.rand(size, size, 3), torch.zeros(size, size, dtype=torch.bool)
    hole[size // 2 :] = True
    painting = paint.Painting("a photo of a cup", "text", steps, 7.5, 1.0, size, 0)
    times: list[float] = []

    def told(done: int, of_how_many: int) -> None:
        times.append(time.process_time())

    def once() -> None:
        paint.paint(rgb, hole, painting, (folder, place), told)

    _, cost = measured(place.device, once)
    each = (times[-1] - times[0]) / max(1, len(times) - 1)
    row(f"{name}: {steps} steps at {size}x{size}", cost, f"a step: {each:.1f} processor seconds")


def bench_shap_e(folder: Path, place: Place, steps: int) -> None:
    """Loading, drawing, cutting; what is cut is a ball, the work per point being the same."""
    write_shap_e(folder)
    backend = ShapEReconstructor(folder, steps=steps, device=place.device)
    pipeline, cost = measured(place.device, lambda: load(folder, (KIND,), place, NEEDS))
    row("shap-e: load", cost)
    seeing = backend._seeing(folder)
    with undisturbed():
        latent, cost = measured(
            place.device, lambda: backend._drawn(pipeline, seeing, torch.rand(256, 256, 3))
        )
        row(f"shap-e: {steps} steps", cost, f"{2 * steps - 1} evaluations")
        device = place.chosen()[0]
        field = backend._field(pipeline, latent, device)

        def ball(points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return 0 * field(points)[0] + 0.5 - points.norm(dim=-1), field(points)[1]

        found, cost = measured(place.device, lambda: cut(ball, Cutting(), device))
        row("shap-e: mesh at 128^3", cost, f"{len(found.faces)} triangles, each point asked twice")
    visible = torch.zeros(64, 64, dtype=torch.bool)
    visible[8:56, 16:48] = True
    picture = Cutout(torch.rand(64, 64, 4), visible, torch.eye(2, 3))
    _, cost = measured(place.device, lambda: backend._facing(found, picture))
    row("shap-e: turning it to the picture's side", cost)


def main() -> None:
    """Prints one line a step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--networks", nargs="+", default=["sd15", "shap-e"])
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    half = Place(arguments.device, "float16" if arguments.device == "cuda" else "float32")
    print(f"{arguments.device}, {arguments.threads} threads, torch {torch.__version__}\n")
    print("| step | seconds | processor seconds | peak GB | |\n|---|---|---|---|---|")
    for name in arguments.networks:
        with tempfile.TemporaryDirectory() as folder:
            if name == "shap-e":
                bench_shap_e(Path(folder), Place(arguments.device), arguments.steps)
            else:
                bench_inpainting(Path(folder), name, half, arguments.steps)
            forget()


if __name__ == "__main__":
    main()
