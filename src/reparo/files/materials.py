"""What trimesh says of a surface's look, as a `Material`."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reparo.files.colours import srgb_from_linear
from reparo.files.images import rgba_array
from reparo.scene import Material

log = logging.getLogger(__name__)

MAX_TEXTURE = 4096  # px; beyond it a texture takes a gigabyte of floats


def material_from_trimesh(look: Any, has_uv: bool, textures: dict[int, Tensor]) -> Material:
    """A glTF or MTL material; white for none. A texture without coordinates is left out.

    `textures` holds those met before, by the id of their picture, so that materials share them.
    """
    import trimesh.visual.material as kinds

    if isinstance(look, kinds.PBRMaterial):
        return _from_gltf(look, _texture(look.baseColorTexture, textures) if has_uv else None)
    if isinstance(look, kinds.SimpleMaterial) and hash(look) != hash(kinds.empty_material()):
        return _from_mtl(look, _texture(look.image, textures) if has_uv else None)
    return Material()


def _from_gltf(look: Any, texture: Float[Tensor, "h w 4"] | None) -> Material:
    """glTF 2.0, section 3.9: the base colour counts light; the texture is sRGB.

    A blended surface is cut where its alpha falls below half of the material's largest, so that
    each pixel shows one surface, and a pane of glass stays.
    """
    stored = look.baseColorFactor  # trimesh keeps 8 bits
    factor = np.ones(4) if stored is None else np.asarray(stored, dtype=np.float64) / 255
    base = [*srgb_from_linear(torch.from_numpy(factor[:3])).tolist(), float(factor[3])]
    cutoff = None
    if look.alphaMode == "MASK":
        cutoff = 0.5 if look.alphaCutoff is None else float(look.alphaCutoff)
    elif look.alphaMode == "BLEND":
        opaque = 1.0 if texture is None else float(texture[..., 3].max())
        cutoff = 0.5 * opaque * float(factor[3])
    return Material((base[0], base[1], base[2], base[3]), texture, cutoff, look.name or "")


def _from_mtl(look: Any, texture: Float[Tensor, "h w 4"] | None) -> Material:
    """Wavefront MTL: Kd is sRGB by custom; `map_d` makes the texture's alpha a cut-out."""
    red, green, blue = _diffuse(look.kwargs.get("kd", (1.0, 1.0, 1.0)), texture is not None)
    cutoff = 0.5 if texture is not None and "map_d" in look.kwargs else None
    return Material((red, green, blue, 1.0), texture, cutoff, look.name or "")


def _diffuse(stored: Sequence[float], textured: bool) -> tuple[float, float, float]:
    red, green, blue = (min(max(float(value), 0.0), 1.0) for value in stored)
    if textured and red == green == blue == 0:  # some exporters mean "see the texture" by black
        return 1.0, 1.0, 1.0
    return red, green, blue


def _texture(image: Any, textures: dict[int, Tensor]) -> Float[Tensor, "h w 4"] | None:
    if image is None:
        return None
    if id(image) not in textures:
        if max(image.size) > MAX_TEXTURE:
            log.warning("a texture of %dx%d pixels is read smaller", *image.size)
            image.thumbnail((MAX_TEXTURE, MAX_TEXTURE))
        pixels = torch.from_numpy(np.array(rgba_array(image)))
        textures[id(image)] = pixels.to(torch.get_default_dtype()) / 255
    return textures[id(image)]
