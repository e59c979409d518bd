"""The weights of our own small networks: files of the package, in half precision."""

from importlib.resources import as_file, files
from typing import TypeVar

from torch import nn

from reparo.errors import MissingExtra

Network = TypeVar("Network", bound=nn.Module)


def with_shipped_weights(network: Network, name: str) -> Network:
    """Fills a network from `reparo/weights/NAME.safetensors`; frozen, in float32."""
    try:
        from safetensors.torch import load_file
    except ImportError as error:
        raise MissingExtra(
            "our own networks need safetensors; install it: pip install 'reparo3d[embedded]'"
        ) from error
    with as_file(files("reparo") / "weights" / f"{name}.safetensors") as file:
        state = load_file(file)
    network = network.float()
    network.load_state_dict(state)  # which turns half precision into single
    return network.eval().requires_grad_(False)
