"""Made-up scenes: the layout is known exactly, so answers can be checked and not just compared."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from reparo.contracts import Renderer
from reparo.evaluate.room import Room, framing_camera, placed
from reparo.evaluate.shapes import SHAPES, made_up_mesh
from reparo.scene import (
    Depth,
    DepthKind,
    Ground,
    Mesh,
    Observation,
    Photo,
    Problem,
    Region,
    Scene,
    Similarity,
    Start,
    quaternion_product,
)

DRAWS = 20  # of a layout, until every object can be seen and one hides a part of another
LEAST_VISIBLE = 0.4  # of an object's full mask
LEAST_AREA = 0.008  # of the picture, of an object's visible part


def made_up_scene(
    seed: int,
    render: Renderer,
    objects: int = 3,
    size: tuple[int, int] = (256, 256),
    light: float = 0.5,
) -> tuple[Scene, Observation]:
    """A scene of simple shapes standing on y = 0, and what a camera sees of it.

    The photo shows the meshes' own colours shaded by a lamp of strength `light` (0: not at all), on
    a floor in front of a wall; masks and metric depth are exact at the pixels' centres, the depth
    of floor and wall included. One seed, one scene.
    """
    rng = np.random.default_rng(seed)
    kinds = rng.permutation(list(SHAPES))[np.arange(objects) % len(SHAPES)]
    meshes = tuple(made_up_mesh(str(kind), rng) for kind in kinds)
    names = tuple(
        f"{kind}-{i}" if objects > len(SHAPES) else str(kind) for i, kind in enumerate(kinds)
    )
    fov_y_deg, pitch = rng.uniform(35, 60), math.radians(rng.uniform(5, 30))
    best = (-math.inf, None)
    for _ in range(DRAWS):
        layout = standing_layout(meshes, rng)
        camera = framing_camera(
            placed(meshes, layout), fov_y_deg, pitch, rng.uniform(-0.5, 0.5), size
        )
        scene = Scene(names, meshes, layout, camera)
        score = how_telling(scene, render)
        if score > best[0]:
            best = (score, scene)
        if score >= 1:
            break
    scene = best[1]
    assert scene is not None  # DRAWS > 0
    return scene, observe(scene, render, rng, light)


def standing_layout(meshes: Sequence[Mesh], rng: np.random.Generator) -> Similarity:
    """Random sizes and yaws, all standing on y = 0, no two footprints' circles overlapping."""
    scales = rng.uniform(0.45, 1.0, len(meshes))
    yaws = rng.uniform(-math.pi, math.pi, len(meshes))
    feet = [float(mesh.bounds[0, 1]) for mesh in meshes]
    radii = [
        float(mesh.vertices[:, [0, 2]].norm(dim=-1).max()) * scale
        for mesh, scale in zip(meshes, scales, strict=True)
    ]
    spots: list[np.ndarray] = []
    reach = 0.4 * math.sqrt(len(meshes))
    while len(spots) < len(meshes):
        spot, radius = rng.uniform(-reach, reach, 2), radii[len(spots)]
        gaps = [np.linalg.norm(spot - s) - r - radius for s, r in zip(spots, radii, strict=False)]
        if all(gap > 0.02 for gap in gaps):
            spots.append(spot)
        reach *= 1.02  # so that it ends
    number = torch.get_default_dtype()
    half = torch.tensor(yaws / 2, dtype=number)
    zero = torch.zeros_like(half)
    return Similarity(
        torch.stack([half.cos(), zero, half.sin(), zero], -1),
        torch.tensor(
            [[x, -foot * s, z] for (x, z), foot, s in zip(spots, feet, scales, strict=True)],
            dtype=number,
        ),
        torch.tensor(scales, dtype=number),
    )


def how_telling(scene: Scene, render: Renderer) -> float:
    """At least 1 if every object shows enough of itself, and one of several is partly hidden."""
    height, width = scene.camera.size
    small = replace(scene, camera=scene.camera.resized((64, max(1, round(64 * width / height)))))
    layers = render.layers(small.meshes, small.layout, small.camera)
    full = [layer.object_index >= 0 for layer in layers]
    depths = torch.stack([layer.depth for layer in layers])
    nearest = depths.argmin(0)
    visible = [float((mask & (nearest == i)).sum()) for i, mask in enumerate(full)]
    shares = [seen / max(float(mask.sum()), 1) for seen, mask in zip(visible, full, strict=True)]
    enough = min(shares) / LEAST_VISIBLE, min(visible) / full[0].numel() / LEAST_AREA
    hiding = 1.0 if len(full) == 1 or min(shares) < 0.95 else 0.9
    return min(*enough, hiding)


def full_masks(scene: Scene, render: Renderer) -> list[Bool[Tensor, "h w"]]:
    """Each object's whole outline, hidden parts too."""
    layers = render.layers(scene.meshes, scene.layout, scene.camera)
    return [layer.object_index >= 0 for layer in layers]


def observe(
    scene: Scene, render: Renderer, rng: np.random.Generator, light: float = 0.5
) -> Observation:
    """What `scene.camera` sees: photo, visible masks and metric depth."""
    room = Room.made_up(scene, rng, light)
    exact = render(scene)
    lit = [room.lit(mesh, scene.layout[i]) for i, mesh in enumerate(scene.meshes)]
    fine = render(replace(scene, meshes=tuple(lit)), samples=3)
    behind = room.picture(scene, render)
    rgb = fine.rgb + (1 - fine.coverage[..., None]) * behind
    regions = [Region(name, exact.object_index == i) for i, name in enumerate(scene.names)]
    z = torch.minimum(exact.depth, room.distance(scene.camera)[1])
    known = z.isfinite()
    depth = Depth(torch.where(known, z, 0), known, "metric")
    return Observation(Photo(rgb.clamp(0, 1)), tuple(regions), depth, "common")


@dataclass(frozen=True)
class Hints:
    """What a problem tells of the truth."""

    depth: DepthKind | None = "metric"
    ground: Ground | None = None
    yaw: float = 0.0  # by which the start rotations are wrong, radians; to either side

    seed: int = 0


def to_problem(scene: Scene, observation: Observation, hints: Hints | None = None) -> Problem:
    """The scene as a question: where do these meshes stand?

    `observation.depth` must be metric; the unknown a and b of the other kinds are drawn by seed.
    """
    hints = hints or Hints()
    rng = np.random.default_rng(hints.seed)
    depth = None if hints.depth is None else told_depth(observation.depth, hints.depth, rng)
    starts = []
    for wxyz in scene.layout.wxyz:
        half = hints.yaw / 2 * rng.choice([-1, 1])
        turn = wxyz.new_tensor([math.cos(half), 0, math.sin(half), 0])
        starts.append(Start(quaternion_product(turn, wxyz)))
    seen = replace(observation, depth=depth, ground=hints.ground)
    return Problem(scene.names, scene.meshes, scene.camera, seen, tuple(starts))


def told_depth(metric: Depth | None, kind: DepthKind, rng: np.random.Generator) -> Depth:
    """Metric depth as another kind stores it."""
    assert metric is not None and metric.kind == "metric"
    a, b = rng.uniform(0.3, 3), rng.uniform(-0.5, 2)
    z = metric.values
    values = {
        "metric": z,
        "scale": a * z,
        "affine": a * z + b,
        "disparity": torch.where(metric.known, a / z + b, 0),
    }[kind]
    return Depth(torch.where(metric.known, values, 0), metric.known, kind)
