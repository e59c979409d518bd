"""What training reads, laid out for reading at random: pictures, masks and fewer tokens' channels.

The transformer's 1152 channels are brought to their first principal components. That is a linear
map, so that the shipped network has it folded into its own first layer.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from reparo.stages.complete.outline import complete_outline
from reparo.stages.vision.backbone import levels, packaged
from training.outline.paste import pasted
from training.outline.scene import Scene, read_scene, scene_files, who_hides

PASTED = "pasted"  # how the folder of pasted scenes begins
COMPONENTS = 256
PATCHES = 24  # along the picture's side
LEAST_SHARE, MOST_SHARE = 0.2, 0.98  # of an object that shows, to count as partly hidden
LEAST_AREA = 100  # px of the visible part


@dataclass(frozen=True)
class Target:
    """One object to be completed."""

    scene: int  # row of the store's pictures
    number: int  # in the scene, from 0
    row: int  # of the store's full masks
    share: float  # how much of it shows
    hiders: tuple[int, ...]  # numbers in the scene
    name: str

    @property
    def hidden(self) -> bool:
        """Whether a part of it is, that matters."""
        return self.share < MOST_SHARE


@dataclass(frozen=True)
class Projection:
    """Tokens to their principal components, of about the same size each."""

    mean: np.ndarray  # [1152]
    matrix: np.ndarray  # [components, 1152]

    def __call__(self, tokens: np.ndarray) -> np.ndarray:
        """[1152, r, c] to [components, r, c]."""
        flat = tokens.reshape(len(self.mean), -1).astype(np.float32) - self.mean[:, None]
        return (self.matrix @ flat).reshape(-1, *tokens.shape[1:])


@dataclass(frozen=True)
class Store:
    """The pictures of all scenes with something to complete, and what there is to complete."""

    rgb: np.ndarray  # uint8 [m, s, s, 3]
    index: np.ndarray  # uint8 [m, s, s]
    tokens: np.ndarray  # float16 [m, components, 24, 24]
    full: np.ndarray  # uint8 [k, s * s / 8], packed bits
    guess: np.ndarray  # uint8 [k, 2, s * s / 8]: hidden parts, smooth; see `guesses`
    targets: tuple[Target, ...]

    def truth(self, target: Target) -> np.ndarray:
        """Its full mask, bool [s, s]."""
        return self._unpacked(self.full[target.row])

    def smooth(self, target: Target, all_hide: bool) -> np.ndarray:
        """Its hidden part as the outline goes on behind its hiders, or all others; bool [s, s]."""
        return self._unpacked(self.guess[target.row, int(all_hide)])

    def _unpacked(self, bits: np.ndarray) -> np.ndarray:
        return np.unpackbits(bits).reshape(self.index.shape[1:]).astype(bool)


def principal(tokens: np.ndarray, pictures: int = 200) -> Projection:
    """From some of the pictures; the square root of the usual whitening."""
    rows = np.linspace(0, len(tokens) - 1, min(pictures, len(tokens))).astype(int)
    flat = np.concatenate([tokens[row].reshape(tokens.shape[1], -1)[:, ::3] for row in rows], 1)
    flat = flat.astype(np.float32)
    mean = flat.mean(1)
    values, vectors = np.linalg.eigh(np.cov(flat))
    values, vectors = values[::-1][:COMPONENTS], vectors[:, ::-1][:, :COMPONENTS]
    matrix = (vectors / values**0.25).T
    return Projection(mean, (matrix / (matrix @ (flat - mean[:, None])).std()).astype(np.float32))


def targets_of(scene: Scene, picture: int, first_row: int) -> list[Target]:
    """What is partly hidden, and what is whole though something stands before it."""
    hides = who_hides(scene)
    found = []
    for i, name in enumerate(scene.names):
        share = scene.share(i)
        hiders = tuple(int(j) for j in np.nonzero(hides[i])[0])
        if hiders and share >= LEAST_SHARE and scene.visible(i).sum() >= LEAST_AREA:
            found.append(Target(picture, i, first_row + len(found), share, hiders, name))
    return found


def build(items: Iterable[tuple[Scene, np.ndarray]], projection: Projection, out: Path) -> None:
    """Writes OUT/{rgb,index,tokens,full,targets}; `items` are scenes with all their tokens."""
    out.mkdir(parents=True, exist_ok=True)
    rgb, index, tokens, full, guess = ([] for _ in range(5))
    targets: list[Target] = []
    for scene, seen in items:
        found = targets_of(scene, len(rgb), len(targets))
        if not any(target.hidden for target in found):
            continue
        targets += found
        rgb.append(scene.rgb)
        index.append(scene.index)
        tokens.append(projection(seen).astype(np.float16))
        full += [np.packbits(scene.full[target.number]) for target in found]
        guess += [guesses(scene.index, target) for target in found]
    made = {"rgb": rgb, "index": index, "tokens": tokens, "full": full, "guess": guess}
    for name, values in made.items():
        np.save(out / f"{name}.npy", np.stack(values))
    np.save(out / "targets.npy", np.array([_line(target) for target in targets], dtype=object))


def guesses(index: np.ndarray, target: Target) -> np.ndarray:
    """Packed bits [2, s * s / 8]: the smooth hidden part behind its hiders, and all others."""
    visible = index == target.number + 1
    hiders = np.isin(index, np.array(target.hiders) + 1)
    others = (index > 0) & ~visible
    behind = [complete_outline(visible, mask).hidden for mask in (hiders, others)]
    return np.stack([np.packbits(hidden) for hidden in behind])


def load(data: Path, pasted: bool = True) -> list[Store]:
    """All parts that are laid out, by memory map."""
    parts = sorted(file.parent for file in data.glob("*/targets.npy"))
    return [_load(part) for part in parts if pasted or not part.name.startswith(PASTED)]


def _load(folder: Path) -> Store:
    arrays = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("rgb", "index", "tokens")]
    lines = np.load(folder / "targets.npy", allow_pickle=True)
    bits = [np.load(folder / f"{name}.npy") for name in ("full", "guess")]
    return Store(*arrays, *bits, tuple(Target(*line) for line in lines))


def _line(target: Target) -> tuple[object, ...]:
    return (
        target.scene,
        target.number,
        target.row,
        target.share,
        target.hiders,
        target.name,
    )


def with_tokens(
    scenes: Path, tokens: np.ndarray, first: int = 0
) -> Iterator[tuple[Scene, np.ndarray]]:
    """The scenes of a folder that have tokens, from the first one asked for, with their rows."""
    files = scene_files(scenes)[: len(tokens)]
    for row in track(range(first, len(files)), "scenes"):
        yield read_scene(files[row]), tokens[row]


def with_pastes(
    scenes: Path, count: int, seed: int, device: str = "cpu"
) -> Iterator[tuple[Scene, np.ndarray]]:
    """Composed scenes, seen by the transformer."""
    files, rng = scene_files(scenes), np.random.default_rng(seed)
    network = packaged(device).to(torch.bfloat16)
    waiting: list[Scene] = []
    for _ in track(range(count), "pasted scenes"):
        first, second = rng.choice(len(files), 2, replace=False)
        made = pasted(read_scene(files[first]), read_scene(files[second]), rng)
        if made is not None:
            waiting.append(made)
        if len(waiting) == 8:
            yield from zip(waiting, seen_by(network, waiting, device), strict=True)
            waiting = []


def seen_by(network: torch.nn.Module, scenes: list[Scene], device: str) -> np.ndarray:
    """Tokens [b, 1152, 24, 24]."""
    pictures = torch.stack([torch.from_numpy(scene.rgb) for scene in scenes]).movedim(-1, 1)
    with torch.inference_mode():
        found = levels(network, (pictures.to(device) / 255).to(torch.bfloat16))
    return found.float().cpu().numpy()
