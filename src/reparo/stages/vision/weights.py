"""Fills the torch transformer from the ONNX file that carries its weights.

Norms, biases, LayerScales, the patch convolution and the class token have names in the file. The
matrices of linear layers are anonymous and stored transposed: each is found by the name of the
node that multiplies with it. The positions are anonymous too, and known by their shape.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reparo.stages.vision.transformer import CHANNELS, GRID, LAYERS, Transformer

NAMED = {  # ours: the file's, within one layer
    "norm1.weight": "norm1.weight",
    "norm1.bias": "norm1.bias",
    "query.bias": "attention.attention.query.bias",
    "key.bias": "attention.attention.key.bias",
    "value.bias": "attention.attention.value.bias",
    "dense.bias": "attention.output.dense.bias",
    "scale1": "layer_scale1.lambda1",
    "norm2.weight": "norm2.weight",
    "norm2.bias": "norm2.bias",
    "fc1.bias": "mlp.fc1.bias",
    "fc2.bias": "mlp.fc2.bias",
    "scale2": "layer_scale2.lambda1",
}
MATRICES = {  # ours: the file's node, within one layer
    "query.weight": "attention/attention/query/MatMul",
    "key.weight": "attention/attention/key/MatMul",
    "value.weight": "attention/attention/value/MatMul",
    "dense.weight": "attention/output/dense/MatMul",
    "fc1.weight": "mlp/fc1/MatMul",
    "fc2.weight": "mlp/fc2/MatMul",
}
WHOLE = {
    "class_token": "backbone.embeddings.cls_token",
    "patches.weight": "backbone.embeddings.patch_embeddings.projection.weight",
    "patches.bias": "backbone.embeddings.patch_embeddings.projection.bias",
    "norm.weight": "backbone.layernorm.weight",
    "norm.bias": "backbone.layernorm.bias",
}


def load_transformer(file: Path) -> Transformer:
    """The frozen network of an ONNX file, in float32."""
    import onnx  # heavy, and only needed here
    from onnx import numpy_helper

    graph = onnx.load(file).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    factor = {node.name: node.input[1] for node in graph.node if node.op_type == "MatMul"}
    state = {ours: _tensor(arrays[theirs]) for ours, theirs in WHOLE.items()}
    state["class_position"] = _only_of_shape(arrays, (1, 1, CHANNELS))
    state["position"] = _only_of_shape(arrays, (1, GRID * GRID, CHANNELS))
    for index in range(LAYERS):
        layer = f"layers.{index}."
        for ours, theirs in NAMED.items():
            state[layer + ours] = _tensor(arrays[f"backbone.encoder.layer.{index}.{theirs}"])
        for ours, theirs in MATRICES.items():
            node = f"/backbone/encoder/layer.{index}/{theirs}"
            state[layer + ours] = _tensor(arrays[factor[node]]).mT
    network = Transformer().float()
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.copy())  # the file's own arrays can't be written to


def _only_of_shape(arrays: dict[str, np.ndarray], shape: tuple[int, ...]) -> Tensor:
    """The one anonymous array of that shape."""
    (array,) = (
        array
        for name, array in arrays.items()
        if array.shape == shape and not name.startswith("backbone.")
    )
    return _tensor(array)
