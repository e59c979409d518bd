"""A small moving picture: the camera swings around the scene."""

import math
from pathlib import Path

from PIL import Image

from reparo.contracts import Progress, Renderer
from reparo.report.pictures import to_image
from reparo.report.studio import Studio
from reparo.scene import Scene

MILLISECONDS = 70  # a frame


def write_turntable(
    path: Path,
    scene: Scene,
    render: Renderer,
    frames: int = 36,
    size: tuple[int, int] = (288, 288),
    progress: Progress | None = None,
) -> None:
    """Writes a GIF that loops: the camera swings 50 degrees to either side of the photo's view."""
    pictures = turntable(scene, render, swing(frames), size, progress)
    palette = shared_palette(pictures)
    indexed = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    indexed[0].save(path, save_all=True, append_images=indexed[1:], duration=MILLISECONDS, loop=0)


def turntable(
    scene: Scene,
    render: Renderer,
    angles: list[float],
    size: tuple[int, int] = (288, 288),
    progress: Progress | None = None,
) -> list[Image.Image]:
    """The scene in a plain studio, one picture per angle (radians, from the photo's view)."""
    studio = Studio.around(scene, render)
    distance = studio.distance(angles, size)
    places = [round(angle, 6) for angle in angles]
    drawn: dict[float, Image.Image] = {}
    for i, angle in enumerate(places):
        if angle not in drawn:  # a swing passes every place twice
            drawn[angle] = to_image(studio.picture(studio.camera(angle, distance, size)))
        if progress is not None:
            progress("turntable", i + 1, len(places))
    return [drawn[angle] for angle in places]


def swing(frames: int, reach_deg: float = 50.0) -> list[float]:
    """To and fro about the photo's view, radians; a whole period."""
    return [math.radians(reach_deg) * math.sin(2 * math.pi * i / frames) for i in range(frames)]


def shared_palette(pictures: list[Image.Image], colours: int = 160) -> Image.Image:
    """One palette for all frames, so that what does not move does not flicker."""
    few = pictures[:: max(1, len(pictures) // 6)]
    width, height = few[0].size
    sheet = Image.new("RGB", (width, height * len(few)))
    for i, picture in enumerate(few):
        sheet.paste(picture, (0, i * height))
    return sheet.quantize(colours, method=Image.Quantize.MEDIANCUT)
