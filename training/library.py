"""Free furniture models as training material: read once, kept small, split by name.

Source: the catalogues (.sh3f, a zip of OBJ files) of Debian's package `sweethome3d-furniture`: true
sizes, y up, front +z. Names in `left_out.txt` are those that benchmarks use: nothing is trained on
them. One model in ten, chosen by its name's hash, is held out for figures of our own.

    python -m training.library CATALOGUES OUT
"""

import hashlib
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from reparo.errors import InputError
from reparo.files.meshes import read_mesh
from reparo.scene import Material, Mesh
from training.pool import pool

LARGEST = 60_000  # faces; heavier models are left out
TEXTURE = 256  # px of the longer side
HELD_OUT = 10  # one in so many


@dataclass(frozen=True)
class Model:
    """One piece of furniture in the unit cube, centred."""

    name: str
    mesh: Mesh
    size: np.ndarray  # metres of its longest side


@dataclass(frozen=True)
class Entry:
    """A line of a catalogue."""

    name: str
    catalogue: str
    author: str
    path: str  # inside the zip
    sides: tuple[float, float, float]  # metres: width, height, depth


def left_out() -> set[str]:
    """Names that nothing may be trained on."""
    return set((Path(__file__).parent / "left_out.txt").read_text().split())


def is_held_out(name: str) -> bool:
    """Whether a model is for figures only."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % HELD_OUT == 0


def names(library: Path, held_out: bool | None = None) -> list[str]:
    """The models there are; of one side of the split, if asked."""
    found = sorted(file.stem for file in library.glob("*.npz"))
    return [name for name in found if held_out is None or is_held_out(name) == held_out]


@lru_cache(maxsize=400)
def model(library: Path, name: str) -> Model:
    """One model, as `build` kept it."""
    kept = np.load(library / f"{name}.npz")
    materials = []
    for index, colour in enumerate(kept["colours"]):
        key = f"texture{index}"
        texture = torch.from_numpy(kept[key]).float() / 255 if key in kept else None
        opaque = (*colour[:3].tolist(), 1.0)  # glass counts as solid
        materials.append(Material(opaque, texture))
    vertices = torch.from_numpy(kept["vertices"])
    mesh = Mesh(
        vertices,
        torch.from_numpy(kept["faces"]).long(),
        torch.from_numpy(kept["uv"]),
        torch.ones(len(vertices), 4),
        tuple(materials),
        torch.from_numpy(kept["face_material"]).long(),
    )
    return Model(name, mesh, kept["size"])


def build(catalogues: Path, out: Path) -> None:
    """Reads all catalogues of a folder; writes NAME.npz and credits.tsv."""
    out.mkdir(parents=True, exist_ok=True)
    forbidden, credits = left_out(), []
    for catalogue in sorted(catalogues.glob("*.sh3f")):
        entries = [entry for entry in read_catalogue(catalogue) if entry.name not in forbidden]
        with tempfile.TemporaryDirectory() as folder, pool() as workers:
            with zipfile.ZipFile(catalogue) as archive:
                archive.extractall(folder)
            jobs = [workers.submit(_keep, Path(folder), entry, out) for entry in entries]
            for entry, job in zip(entries, jobs, strict=True):
                if job.result():
                    credits.append(f"{entry.name}\t{entry.catalogue}\t{entry.author}")
    (out / "credits.tsv").write_text("\n".join(sorted(set(credits))) + "\n")


def read_catalogue(catalogue: Path) -> list[Entry]:
    """The models that a catalogue lists, each once."""
    with zipfile.ZipFile(catalogue) as archive:
        text = archive.read("PluginFurnitureCatalog.properties").decode("latin-1")
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] != "#")
    table = {key.strip(): value.strip() for key, value in pairs}
    entries = {}
    for key, path in table.items():
        if key.startswith("model#"):
            number = key.removeprefix("model#")
            name = Path(path).stem
            sides = (
                float(table[f"{side}#{number}"]) / 100 for side in ("width", "height", "depth")
            )
            author = table.get(f"creator#{number}", "unknown")
            entries[name] = Entry(name, catalogue.stem, author, path.strip("/"), tuple(sides))
    return list(entries.values())


def _keep(folder: Path, entry: Entry, out: Path) -> bool:
    """Writes one model; False where it is broken or too heavy."""
    try:
        mesh = read_mesh(folder / entry.path)
    except InputError as error:
        print(f"{entry.name}: {error}", file=sys.stderr)
        return False
    low, high = mesh.bounds.numpy()
    if len(mesh.faces) > LARGEST or not (high - low).max() > 0:
        return False
    textures = {
        f"texture{index}": _shrunk(material.texture.numpy())
        for index, material in enumerate(mesh.materials)
        if material.texture is not None
    }
    np.savez(
        out / f"{entry.name}.npz",
        vertices=((mesh.vertices.numpy() - (low + high) / 2) / (high - low).max()).astype("f4"),
        faces=mesh.faces.numpy().astype("i4"),
        uv=mesh.uv.numpy().astype("f4"),
        face_material=mesh.face_material.numpy().astype("i2"),
        colours=np.array([material.base_colour for material in mesh.materials], "f4"),
        size=np.float32(max(entry.sides)),
        **textures,
    )
    return True


def _shrunk(texture: np.ndarray) -> np.ndarray:
    """At most `TEXTURE` px, 8 bit."""
    picture = Image.fromarray((texture * 255).round().astype(np.uint8), "RGBA")
    picture.thumbnail((TEXTURE, TEXTURE), Image.Resampling.BOX)
    return np.asarray(picture)


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
