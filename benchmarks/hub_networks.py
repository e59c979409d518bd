"""Time and peak memory of the networks of a model hub in their official sizes, as a table.

    python benchmarks/hub_networks.py [--device cuda] [--threads 2] [--precision float32] [NAME ...]

Each network is built with random weights from the library's own configuration, saved in the hub's
layout to a temporary folder, and read and asked by the backend in a process of its own. Memory is
that process's largest on a CPU, libraries included, and what was taken of the device's on a GPU.
Processor seconds are those of all cores together, and hardly change when other programs run.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from reparo.scene import Camera, Photo
from reparo.stages.pretrained import Place

SIZE = (768, 1024)  # of the photo, px
SEES = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "chair", "table", "lamp"]


def write_sam(folder: Path) -> Any:
    """facebook/sam-vit-base."""
    from transformers import SamConfig, SamModel

    return SamModel(SamConfig())


def write_sam2(folder: Path) -> Any:
    """facebook/sam2.1-hiera-small: the library's own configuration is the tiny one."""
    from transformers import Sam2Config, Sam2Model

    backbone = {
        "model_type": "sam2_hiera_det_model",
        "blocks_per_stage": [1, 2, 11, 2],
        "global_attention_blocks": [7, 10, 13],
    }
    return Sam2Model(Sam2Config(vision_config={"backbone_config": backbone}))


def write_grounding_dino(folder: Path) -> Any:
    """IDEA-Research/grounding-dino-tiny."""
    from transformers import (
        BertTokenizerFast,
        GroundingDinoConfig,
        GroundingDinoForObjectDetection,
    )

    words = {word: index for index, word in enumerate(WORDS)}
    BertTokenizerFast(vocab=words, do_lower_case=True).save_pretrained(folder)
    return GroundingDinoForObjectDetection(GroundingDinoConfig())


def write_depth(folder: Path) -> Any:
    """depth-anything/Depth-Anything-V2-Small-hf."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation

    model = DepthAnythingForDepthEstimation(DepthAnythingConfig())
    model.head.conv3.bias.data.fill_(1.0)  # lest the last ReLU leave nothing
    return model


def write_dinov2(folder: Path) -> Any:
    """facebook/dinov2-base."""
    from transformers import Dinov2Config, Dinov2Model

    return Dinov2Model(Dinov2Config(image_size=518))


def ask_sam(folder: Path, place: Place, rgb: torch.Tensor) -> dict[str, Callable[[], Any]]:
    """Looks once, then answers points."""
    from reparo.stages.segment.sam_network import load_sam

    views = []
    return {
        "load": lambda: load_sam(folder, place),
        "look": lambda: views.append(load_sam(folder, place).look(rgb)),
        "10 points": lambda: [views[0].ask_points([(50.0 * i, 300.0)], [True]) for i in range(10)],
    }


def ask_grounding_dino(folder: Path, place: Place, rgb: torch.Tensor) -> dict[str, Callable]:
    """Two phrases in one photo."""
    from reparo.stages.segment.grounding import GroundingDino

    settings = GroundingDino(folder, threshold=0.99)
    return {
        "load": lambda: settings.load(place.device),
        "detect": lambda: settings.load(place.device)(rgb, ["chair", "table lamp"]),
    }


def ask_depth(folder: Path, place: Place, rgb: torch.Tensor) -> dict[str, Callable[[], Any]]:
    """One photo."""
    from reparo.stages.depth.depth_anything import DepthAnything, _loaded

    estimate = DepthAnything(folder, device=place.device, precision=place.precision)
    camera = Camera.from_fov(50.0, SIZE)
    return {
        "load": lambda: _loaded(folder, place),
        "estimate": lambda: estimate(Photo(rgb), camera, []),
    }


def ask_dinov2(folder: Path, place: Place, rgb: torch.Tensor) -> dict[str, Callable[[], Any]]:
    """Tokens of a picture, and their gradient, as the paper's loss asks for them."""
    from reparo.stages.features.dinov2 import Dinov2Features, _loaded

    def backward() -> None:
        picture = rgb.clone().requires_grad_()
        extract(picture).square().mean().backward()

    extract = Dinov2Features(folder, device=place.device, precision=place.precision)
    return {
        "load": lambda: _loaded(folder, place),
        "tokens": lambda: extract(rgb),
        "tokens, gradient": backward,
    }


NETWORKS = {  # name: how to write it, how to ask it, what its folder says of pictures
    "sam-vit-base": (write_sam, ask_sam, {"size": {"longest_edge": 1024}}),
    "sam2.1-hiera-small": (write_sam2, ask_sam, {"size": {"height": 1024, "width": 1024}}),
    "grounding-dino-tiny": (
        write_grounding_dino,
        ask_grounding_dino,
        {"size": {"shortest_edge": 800, "longest_edge": 1333}},
    ),
    "depth-anything-v2-small": (write_depth, ask_depth, {"size": {"height": 518}, "resample": 3}),
    "dinov2-base": (write_dinov2, ask_dinov2, {"resample": 3}),
}


def written(name: str, folder: Path) -> None:
    """The network's folder."""
    write, _, sees = NETWORKS[name]
    model = write(folder)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({**SEES, **sees}))
    print(sum(weight.numel() for weight in model.parameters()))


def measured(name: str, folder: Path, place: Place) -> None:
    """Prints a row a step: seconds, processor seconds, MiB so far."""
    rgb = torch.rand(*SIZE, 3)
    for step, work in NETWORKS[name][1](folder, place, rgb).items():
        began, worked = time.perf_counter(), time.process_time()
        work()
        took = time.perf_counter() - began, time.process_time() - worked
        print(json.dumps([step, *took, _peak(place)]), flush=True)


def _peak(place: Place) -> float:
    """MiB."""
    if place.device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def main() -> None:
    """A table of all, or one step of one in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(NETWORKS))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--step", choices=["write", "measure"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.step == "write":
        return written(options.names[0], options.folder)
    if options.step == "measure":
        place = Place(options.device, options.precision)
        return measured(options.names[0], options.folder, place)
    print("| network | parameters | step | seconds | processor seconds | peak, MiB |")
    print("|---|---|---|---|---|---|")
    for name in options.names:
        with tempfile.TemporaryDirectory() as folder:
            parameters = int(_run(name, folder, "write")[-1])
            for line in _run(name, folder, "measure"):
                step, seconds, processor, peak = json.loads(line)
                row = f"{step} | {seconds:.1f} | {processor:.1f} | {peak:.0f}"
                print(f"| {name} | {parameters / 1e6:.0f} M | {row} |", flush=True)
    return None


def _run(name: str, folder: str, step: str) -> list[str]:
    passed = [word for word in sys.argv[1:] if word not in NETWORKS]
    command = [sys.executable, __file__, name, *passed, "--folder", folder, "--step", step]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split(
        "\n"
    )[:-1]


if __name__ == "__main__":
    main()
