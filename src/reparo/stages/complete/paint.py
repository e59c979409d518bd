"""Fills a hole in a picture with a Stable Diffusion inpainting network."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import interpolate

from reparo.errors import InputError
from reparo.files.checks import read_json
from reparo.stages.diffusion import finite, load, undisturbed
from reparo.stages.pretrained import Place, only_one

KINDS = (
    "StableDiffusionInpaintPipeline",
    "StableDiffusionXLInpaintPipeline",
)
STEP = 8  # px: sizes are multiples of it (the autoencoder's scale)


@dataclass(frozen=True)
class Painting:
    """What the network is asked for."""

    prompt: str
    negative_prompt: str
    steps: int
    guidance: float
    strength: float
    size: int  # px
    seed: int

    def check(self) -> None:
        """Raises unless the network can do it."""
        if self.size < STEP or self.size % STEP:
            raise InputError(f"inpaint's size is a multiple of {STEP} px, got {self.size}")
        if not 0 < self.strength <= 1:
            raise InputError(f"inpaint's strength is above 0 and at most 1, got {self.strength:g}")
        if int(self.steps * self.strength) < 1:
            raise InputError(
                f"inpaint must make one step at least, got {self.steps} at strength "
                f"{self.strength:g}; raise steps"
            )


def native_size(folder: Path) -> int:
    """The side of the pictures that the network was trained on, px: 512 or 1024."""
    unet, vae = (_config(folder / part / "config.json") for part in ("unet", "vae"))
    try:
        return int(unet["sample_size"]) * 2 ** (len(vae["block_out_channels"]) - 1)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{folder}/unet/config.json must say sample_size, and vae/config.json "
            f"block_out_channels ({error}); bring the folder anew"
        ) from error


def paint(
    rgb: Float[Tensor, "s s 3"],
    hole: Bool[Tensor, "s s"],
    painting: Painting,
    network: tuple[Path, Place],
    told: Callable[[int, int], None],
) -> Float[Tensor, "s s 3"]:
    """The picture with its hole filled; elsewhere it is as it was.

    The same seed gives the same picture: noise is drawn on the CPU whatever the device. `told` is
    called with the steps done and the steps to do.
    """
    painting.check()
    folder, place = network
    pipeline = only_one(
        ("inpaint", folder, place), lambda: load(folder, KINDS, place, ("unet", "vae"))
    )
    size = (painting.size, painting.size)
    picture = _resized(rgb, size).clamp(0, 1)
    # all pixels that the hole touches: a hider's edge must not shine through
    mask = (_resized(hole[..., None].to(rgb), size) > 1e-3).to(picture)
    steps = int(painting.steps * painting.strength)

    def after_step(pipeline: Any, step: int, timestep: Any, values: dict) -> dict:
        told(min(step + 1, steps), steps)
        return values

    with undisturbed():
        painted = pipeline(
            prompt=painting.prompt,
            negative_prompt=painting.negative_prompt,
            image=picture,
            mask_image=mask,
            height=painting.size,
            width=painting.size,
            num_inference_steps=painting.steps,
            guidance_scale=painting.guidance,
            strength=painting.strength,
            generator=torch.Generator("cpu").manual_seed(painting.seed),
            output_type="pt",
            callback_on_step_end=after_step,
        ).images
    painted = finite(painted.cpu(), "the inpainted picture").movedim(1, -1)[0].to(rgb)
    filled = _resized(painted, (rgb.shape[0], rgb.shape[1]))[0].movedim(0, -1).clamp(0, 1).to(rgb)
    return torch.where(hole[..., None], filled, rgb)


def _resized(values: Float[Tensor, "h w c"], size: tuple[int, int]) -> Float[Tensor, "1 c r s"]:
    planes = values.movedim(-1, 0)[None].float()
    if planes.shape[-2:] == size:
        return planes
    return interpolate(planes, size, mode="bilinear", antialias=True)


def _config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(
            f"an inpainting network's folder was wanted, but there is no {path}; give the folder "
            "that holds model_index.json, unet and vae"
        )
    table = read_json(path)
    return table if isinstance(table, dict) else {}


def noun(name: str) -> str:
    """What the object is, from its name: `office-chair_2` is an `office chair`."""
    words = [word for word in name.replace("_", " ").replace("-", " ").split() if word]
    while len(words) > 1 and words[-1].isdigit():
        words.pop()
    return " ".join(words) or "object"


def smaller_size(size: int, least: int) -> int | None:
    """Three quarters of it, which is half the memory; None below `least`."""
    step = 64 if size >= 4 * 64 else STEP
    found = math.floor(size * 0.75 / step) * step
    return found if found >= least else None
