"""The parts of a binary glTF file, collected while it is written (glTF 2.0, section 4)."""

import io
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

FLOAT, UNSIGNED = 5126, 5125
VERTICES, INDICES = 34962, 34963
REPEAT, LINEAR, MIPMAPPED = 10497, 9729, 9987


@dataclass
class GlbBuilder:
    """Lists that refer to each other by number, and the bytes behind them."""

    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    blob: bytearray = field(default_factory=bytearray)
    textures: dict[int, int] = field(default_factory=dict)

    def add(self, kind: str, entry: dict[str, Any]) -> int:
        """Appends to `meshes`, `nodes`, ...; its number there."""
        entries = self.lists.setdefault(kind, [])
        entries.append(entry)
        return len(entries) - 1

    def vectors(self, values: np.ndarray, bounds: bool = False) -> int:
        """An accessor of float vectors [n, 2 to 4]; positions need their bounds."""
        values = np.ascontiguousarray(values, dtype="<f4")
        entry = {
            "bufferView": self._view(values.tobytes(), VERTICES),
            "componentType": FLOAT,
            "count": len(values),
            "type": f"VEC{values.shape[1]}",
        }
        if bounds:
            entry |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        return self.add("accessors", entry)

    def indices(self, faces: np.ndarray) -> int:
        """An accessor of corner numbers."""
        flat = np.ascontiguousarray(faces.reshape(-1), dtype="<u4")
        view = self._view(flat.tobytes(), INDICES)
        entry = {"bufferView": view, "componentType": UNSIGNED, "count": len(flat)}
        return self.add("accessors", {**entry, "type": "SCALAR"})

    def texture(self, key: int, pixels: Callable[[], np.ndarray]) -> int:
        """A repeating texture of 8-bit RGB or RGBA [h, w, c], kept as PNG, once for each key."""
        if key not in self.textures:
            self.textures[key] = self._texture(pixels())
        return self.textures[key]

    def _texture(self, pixels: np.ndarray) -> int:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        view = self._view(file.getvalue())
        image = self.add("images", {"bufferView": view, "mimeType": "image/png"})
        if "samplers" not in self.lists:
            sampler = {"wrapS": REPEAT, "wrapT": REPEAT}
            self.add("samplers", sampler | {"magFilter": LINEAR, "minFilter": MIPMAPPED})
        return self.add("textures", {"source": image, "sampler": 0})

    def _view(self, data: bytes, target: int | None = None) -> int:
        start = len(self.blob)
        self.blob += data + b"\0" * (-len(data) % 4)
        entry = {"buffer": 0, "byteOffset": start, "byteLength": len(data)}
        return self.add("bufferViews", entry | ({} if target is None else {"target": target}))

    def to_bytes(self, roots: list[int]) -> bytes:
        """The whole file; its one scene shows the nodes `roots`."""
        header = {
            "asset": {"version": "2.0", "generator": "reparo"},
            "scene": 0,
            "scenes": [{"nodes": roots}],
            "buffers": [{"byteLength": len(self.blob)}],
            **self.lists,
        }
        text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        length = 12 + 8 + len(text) + 8 + len(self.blob)
        return b"".join(
            [
                struct.pack("<4sII", b"glTF", 2, length),
                struct.pack("<I4s", len(text), b"JSON") + text,
                struct.pack("<I4s", len(self.blob), b"BIN\0") + bytes(self.blob),
            ]
        )
