"""The network, whole: a picture to planes, planes to density and colour."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reparo.stages.reconstruct.triposr.config import Config
from reparo.stages.reconstruct.triposr.field import Decoder, activated, sampled
from reparo.stages.reconstruct.triposr.tokens import ImageTokenizer, resized
from reparo.stages.reconstruct.triposr.transformer import PlaneTokens, PlaneTransformer, Upsampler


class TripoSr(nn.Module):
    """One photo of one object to a field of density and colour (arXiv 2403.02151).

    The field's frame is the original's: x towards the viewer, y to the viewer's right, z up, in a
    cube of half side `config.renderer.radius`.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.image_tokenizer = ImageTokenizer(config.vit)
        self.tokenizer = PlaneTokens(config.tokenizer)
        self.backbone = PlaneTransformer(config.backbone)
        self.post_processor = Upsampler(config.post_processor)
        self.decoder = Decoder(config.decoder)

    def triplanes(self, rgb: Float[Tensor, "h w 3"]) -> Float[Tensor, "3 c s s"]:
        """The planes of a picture: sRGB 0..1, the object on grey; of any size and shape."""
        # resized where it is: not every device can, and only then moved
        square = resized(rgb.to(torch.float32), self.config.cond_image_size)
        image = self.image_tokenizer(square.to(self.tokenizer.embeddings))
        tokens = self.backbone(self.tokenizer(), image)
        return self.post_processor(self.tokenizer.planes(tokens))

    def query(
        self, planes: Float[Tensor, "3 c s s"], points: Float[Tensor, "n 3"]
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 3"]]:
        """Density (activated) and colour (sRGB 0..1) at points of the field's frame."""
        field = self.config.renderer
        planes = planes.to(self.tokenizer.embeddings)
        features = sampled(planes, points.to(planes) / field.radius, field.feature_reduction)
        return activated(self.decoder(features), field)
