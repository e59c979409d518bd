"""A small moving picture: the layout finding its place."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from reparo.contracts import Renderer
from reparo.report.pictures import to_image
from reparo.scene import Photo, Scene, Similarity

MOST_FRAMES = 24
MILLISECONDS, LAST = 120, 1600  # a frame; the final one
FADED = 0.35  # of the photo that shows behind the objects


def write_alignment(
    path: Path,
    photo: Photo,
    scene: Scene,
    layouts: Sequence[Similarity],
    render: Renderer,
    longest: int = 320,
) -> None:
    """Writes a GIF of the objects over the faded photo, layout after layout; it loops."""
    size = tuple(max(1, round(side * min(1.0, longest / max(photo.size)))) for side in photo.size)
    planes = photo.rgb.permute(2, 0, 1)[None]
    small = torch.nn.functional.interpolate(planes, size, mode="area")[0].permute(1, 2, 0)
    behind = FADED * small + (1 - FADED)
    camera = scene.camera.resized((size[0], size[1]))
    chosen = [*layouts[:: -(-len(layouts) // MOST_FRAMES)], layouts[-1]]
    frames = []
    for layout in chosen:
        seen = render(replace(scene, layout=layout, camera=camera))
        frames.append(to_image(seen.rgb + (1 - seen.coverage[..., None]) * behind))
    times = [MILLISECONDS] * (len(frames) - 1) + [LAST]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=times, loop=0)
