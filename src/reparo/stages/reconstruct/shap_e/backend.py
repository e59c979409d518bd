"""A mesh from Shap-E: any object, also what the photo does not show of it.

Never run with trained weights: proven with small random ones that were saved in the hub's layout.
That the front of what it draws looks along -y, z being up, is read from how its users turn its
meshes; and which side the picture shows, it does not say (see `facing`).
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reparo.errors import InputError
from reparo.models import located
from reparo.scene import Cutout, Mesh
from reparo.stages.diffusion import finite, load, undisturbed
from reparo.stages.pretrained import Place, forget, only_one
from reparo.stages.reconstruct.facing import facing
from reparo.stages.reconstruct.shap_e.field import Cutting, Field, cut, field_of
from reparo.stages.reconstruct.triposr.backend import as_mesh
from reparo.stages.reconstruct.triposr.framing import framed
from reparo.stages.reconstruct.triposr.mesh import Surface
from reparo.stages.seeing import Seeing, read_seeing

KIND = "ShapEImg2ImgPipeline"
NEEDS = ("image_encoder", "prior", "shap_e_renderer")
GROUND = 1.0  # white: the published examples
LEAST_RESOLUTION = 48


@dataclass(frozen=True)
class ShapEReconstructor:
    """One picture in, a closed mesh with a colour at each vertex out."""

    weights: str | Path = "shap-e-img2img"  # a folder, or the name of a pulled network
    steps: int = 64  # as its authors take
    guidance: float = 3.0  # how closely the picture is followed; as its authors take
    resolution: int = 128  # grid points along the cube's side; time and triangles grow with it
    chunk: int = 32768  # points asked at once; less takes less memory
    smallest_part: float = 0.01  # of the largest part's area: smaller ones are dropped
    turned: bool = True  # turn the mesh to the side that the picture shows
    device: str = "auto"
    seed: int = 0

    def __call__(self, cutout: Cutout, name: str) -> Mesh:
        """Sees the cut-out on white and cuts the mesh out of the field that it draws."""
        if self.resolution < 8 or self.chunk < 1 or self.steps < 1:
            raise InputError(
                "Shap-E needs a resolution of 8 or more, a chunk of 1 or more and a step at "
                f"least, got {self.resolution}, {self.chunk} and {self.steps}; raise them"
            )
        picture = framed(cutout, name, GROUND)
        folder, place = located(self.weights), Place(self.device)
        pipeline = only_one(("shap-e", folder, place), lambda: load(folder, (KIND,), place, NEEDS))
        seeing = self._seeing(folder)
        device, _ = place.chosen()
        with undisturbed():
            latent = self._drawn(pipeline, seeing, picture)
            how = Cutting(self.resolution, self.chunk, self.smallest_part)
            found = cut(self._field(pipeline, latent, device), how, device)
        if not len(found.faces):
            raise InputError(
                f"Shap-E saw nothing in the cut-out of {name!r}: its field is empty; look at the "
                "cut-out, or try another seed"
            )
        return as_mesh(self._facing(found, cutout), name, cutout.rgba.dtype)

    def close(self) -> None:
        """Lets go of the network."""
        forget()

    def smaller(self) -> "ShapEReconstructor | None":
        """Cuts a coarser mesh, fewer points at once."""
        if self.resolution // 2 < LEAST_RESOLUTION:
            return None
        return replace(self, resolution=self.resolution // 2, chunk=max(1, self.chunk // 4))

    def _seeing(self, folder: Path) -> Seeing:
        return read_seeing(folder / "image_processor")

    def _field(self, pipeline: Any, latent: Float[Tensor, "n d"], device: torch.device) -> Field:
        renderer = pipeline.shap_e_renderer.to(device)
        return field_of(renderer, latent.to(device))

    def _drawn(
        self, pipeline: Any, seeing: Seeing, picture: Float[Tensor, "s s 3"]
    ) -> Float[Tensor, "n d"]:
        """The latent; noise is drawn on the CPU, so that a seed means the same everywhere."""
        side = pipeline.image_encoder.config.image_size
        latents = pipeline(
            seeing.resized(picture.float(), (side, side)),
            num_inference_steps=self.steps,
            guidance_scale=self.guidance,
            generator=torch.Generator("cpu").manual_seed(self.seed),
            output_type="latent",
        ).images
        return finite(latents[0], "Shap-E's latent").float()

    def _facing(self, found: Surface, cutout: Cutout) -> Surface:
        """In TripoSR's axes: x to the viewer, y to the viewer's right, z up."""
        x, y, z = found.vertices.T
        if not self.turned:
            return Surface(np.stack([-y, x, z], -1), found.faces, found.colours)
        upright = np.stack([x, z, -y], -1)  # y up, the usual front at +z
        turned = upright @ facing(upright, found.faces, found.colours, cutout).T
        x, y, z = turned.T
        return Surface(np.stack([z, x, y], -1), found.faces, found.colours)
