"""Time and peak memory of TripoSR in its official size, per step, as a table.

    python benchmarks/triposr.py [--device cuda] [--resolutions 64 128 256] [--threads 2]

A checkpoint with random weights is written to a temporary folder (1.7 GB) and read like the real
one. For the meshes the planes and the decoder are replaced by ones that hold a ball of radius 0.5,
so that the surface is about as large as an object's; the work per point stays the same. Memory is
the process's own on a CPU (Linux), and what was taken of the device's elsewhere. Processor seconds
are those of all cores together, and hardly change when other programs run.
"""

import argparse
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from reparo.stages.reconstruct.triposr import TripoSr, load
from reparo.stages.reconstruct.triposr.config import read_config
from reparo.stages.reconstruct.triposr.mesh import Cutting, density_grid, surface

CONFIG = """
cond_image_size: 512
image_tokenizer_cls: tsr.models.tokenizers.image.DINOSingleImageTokenizer
image_tokenizer: {pretrained_model_name_or_path: facebook/dino-vitb16}
tokenizer_cls: tsr.models.tokenizers.triplane.Triplane1DTokenizer
tokenizer: {plane_size: 32, num_channels: 1024}
backbone_cls: tsr.models.transformer.transformer_1d.Transformer1D
backbone:
  in_channels: ${tokenizer.num_channels}
  num_attention_heads: 16
  attention_head_dim: 64
  num_layers: 16
  cross_attention_dim: 768
post_processor_cls: tsr.models.network_utils.TriplaneUpsampleNetwork
post_processor: {in_channels: 1024, out_channels: 40}
decoder_cls: tsr.models.network_utils.NeRFMLP
decoder: {in_channels: 120, n_neurons: 64, n_hidden_layers: 9, activation: silu}
renderer_cls: tsr.models.nerf_renderer.TriplaneNeRFRenderer
renderer: {radius: 0.87, feature_reduction: concat, density_activation: exp, density_bias: -1.0}
"""

Result = TypeVar("Result")


def write_checkpoint(folder: Path) -> int:
    """Random weights of the official size; gives how many numbers they are."""
    (folder / "config.yaml").write_text(CONFIG)
    model = TripoSr(read_config(folder))
    for name, value in model.state_dict().items():
        if "norm" not in name:
            value.normal_(std=0.02)
    torch.save(model.state_dict(), folder / "model.ckpt")
    return sum(value.numel() for value in model.state_dict().values())


def with_a_ball(model: TripoSr, radius: float = 0.5) -> Tensor:
    """Planes, and a decoder, whose density is 25 on a ball."""
    field, channels = model.config.renderer, model.config.post_processor.out_channels
    size = 2 * model.config.tokenizer.plane_size
    planes = torch.zeros(3, channels, size, size)
    square = (((torch.arange(size) + 0.5) / size * 2 - 1) * field.radius).square() / 2
    planes[:, 0] = square[:, None] + square
    for parameter in model.decoder.parameters():
        parameter.zero_()
    first, *middle, last = (
        layer for layer in model.decoder.layers if isinstance(layer, torch.nn.Linear)
    )
    first.weight[0, ::channels] = -(9 - math.log(25)) / radius**2
    first.bias[0] = 30  # far from 0, where silu changes nothing
    for layer in middle:
        layer.weight[0, 0] = 1
    last.weight[0, 0], last.bias[0] = 1, -20
    return planes.to(first.weight)


class Cost(NamedTuple):
    """What a step takes."""

    seconds: float
    busy: float  # processor seconds
    peak: float  # most memory held meanwhile, GB


def measured(device: str, step: Callable[[], Result]) -> tuple[Result, Cost]:
    """What the step gives, and what it takes."""
    _forget_peak(device)
    start, busy = time.perf_counter(), time.process_time()
    result = step()
    if device == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    return result, Cost(seconds, time.process_time() - busy, _peak(device))


def _forget_peak(device: str) -> None:
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    elif Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")  # Linux: VmHWM begins anew


def _peak(device: str) -> float:
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e9
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(one.split()[1]) / 1e6 for one in lines if "VmHWM" in one), math.nan)


def row(name: str, cost: Cost, note: str = "") -> None:
    """Prints one line of the table."""
    print(
        f"| {name} | {cost.seconds:.1f} | {cost.busy:.1f} | {cost.peak:.1f} | {note} |", flush=True
    )


def main() -> None:
    """Prints one line a step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--resolutions", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device, rgb = arguments.device, torch.rand(512, 512, 3)
    print(f"{device}, {arguments.threads} threads, torch {torch.__version__}\n")
    print("| step | seconds | processor seconds | peak GB | |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        count = write_checkpoint(Path(folder))
        model, cost = measured(device, lambda: load(folder, device))
        row("load", cost, f"{count / 1e6:.0f} million weights")
        _, cost = measured(device, lambda: model.triplanes(rgb))
        row("picture to planes", cost)
        planes = with_a_ball(model)
        for n in arguments.resolutions:
            _, cost = measured(device, lambda n=n: density_grid(model, planes, n, Cutting().chunk))
            row(f"density at {n}^3", cost)
            found, cost = measured(device, lambda n=n: surface(model, planes, Cutting(n)))
            row(f"density and mesh at {n}^3", cost, f"{len(found.faces)} triangles")


if __name__ == "__main__":
    main()
