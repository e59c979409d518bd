"""The parts of a binary glTF file, collected while it is written (glTF 2.0, section 4)."""

import io
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

FLOAT, UNSIGNED = 5126, 5125
VERTICES, INDICES = 34962, 34963
REPEAT, CLAMP, LINEAR, MIPMAPPED = 10497, 33071, 9729, 9987


@dataclass
class GlbBuilder:
    """Lists that refer to each other by number, and the bytes behind them."""

    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    blob: bytearray = field(default_factory=bytearray)
    textures: dict[tuple[int, bool], int] = field(default_factory=dict)
    images: dict[int, int] = field(default_factory=dict)
    extensions: set[str] = field(default_factory=set)  # glTF's, that are used

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

    def texture(self, key: int, pixels: Callable[[], np.ndarray], repeats: bool) -> int:
        """A texture of 8-bit RGB or RGBA [h, w, c], kept as PNG, once for each key.

        One that does not repeat ends in its edge's colour, not in that of the opposite edge.
        """
        if (key, repeats) not in self.textures:
            if key not in self.images:
                self.images[key] = self._image(pixels())
            source = {"source": self.images[key], "sampler": self._sampler(repeats)}
            self.textures[key, repeats] = self.add("textures", source)
        return self.textures[key, repeats]

    def _image(self, pixels: np.ndarray) -> int:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        view = self._view(file.getvalue())
        return self.add("images", {"bufferView": view, "mimeType": "image/png"})

    def _sampler(self, repeats: bool) -> int:
        wrap = REPEAT if repeats else CLAMP
        entry = {"wrapS": wrap, "wrapT": wrap, "magFilter": LINEAR, "minFilter": MIPMAPPED}
        there = self.lists.get("samplers", [])
        return there.index(entry) if entry in there else self.add("samplers", entry)

    def _view(self, data: bytes, target: int | None = None) -> int:
        start = len(self.blob)
        self.blob += data + b"\0" * (-len(data) % 4)
        entry = {"buffer": 0, "byteOffset": start, "byteLength": len(data)}
        return self.add("bufferViews", entry | ({} if target is None else {"target": target}))

    def to_bytes(self, roots: list[int], facts: Mapping[str, Any] | None = None) -> bytes:
        """The whole file; its one scene shows the nodes `roots`. `facts` are the asset's extras."""
        asset = {"version": "2.0", "generator": "reparo"} | ({"extras": facts} if facts else {})
        used = {"extensionsUsed": sorted(self.extensions)} if self.extensions else {}
        header = {
            "asset": asset,
            **used,
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
