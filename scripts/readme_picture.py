"""The picture on top of the README: the toys' photo, their scene, and the scene turned.

python scripts/readme_picture.py OUT docs/toys.png
"""

import argparse
import math
from pathlib import Path

from PIL import Image

import reparo
from reparo.api.results import renderer
from reparo.report.turntable import turntable

TOYS = Path(__file__).parents[1] / "examples" / "toys"
SIDE, GAP = 420, 4  # px
TURNED = (math.radians(50), math.radians(-50))


def main() -> None:
    """Runs the embedded preset on the toys, and draws four squares beside each other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    found = reparo.run(TOYS / "photo.png", out=options.out, masks=TOYS / "masks")
    seen = turntable(found.scene, renderer(), list(TURNED), (2 * SIDE, 2 * SIDE))
    preview = Image.open(options.out / "preview.png").convert("RGB")
    high = (preview.width - 4 * 8) // 3  # photo, render and difference are square here, 8 px apart
    shown = [preview.crop((left, 8, left + high, 8 + high)) for left in (8, 16 + high)]
    sheet = Image.new("RGB", (4 * SIDE + 3 * GAP, SIDE), "white")
    for place, square in enumerate([*shown, *seen]):
        small = square.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        sheet.paste(small, (place * (SIDE + GAP), 0))
    sheet.save(options.picture, optimize=True)


if __name__ == "__main__":
    main()
