"""A tiny network for the hub of these tests, and what tests of it need."""

import hashlib
from dataclasses import replace

from reparo import models

CONFIG = b'{"model_type": "tiny"}'
WEIGHTS = bytes(range(256)) * 40
SHA = hashlib.sha256(WEIGHTS).hexdigest()
SOURCE = models.Repository("owner/net", ("*.json", "model.safetensors"), without=("extra/*",))
NET = models.Model("net", "depth: a test", "more", "Apache-2.0", SOURCE)
BOUND = replace(NET, licence="CC-BY-NC-4.0", restricted="which allows non-commercial use alone")
FILES = {
    "config.json": CONFIG,
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"pickled",
    "extra/config.json": b"{}",
    "sub/more.json": b"[]",
}


def pulled(name="net"):
    (folder,) = models.pull([name])
    return folder


def names(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
