"""Simple closed, textured shapes, for scenes whose truth is known.

Every shape is a union of closed parts, moved and scaled into the unit cube: centred, longest side
1, y up. Parts overlap a little and share no corner, edge or plane that can be seen. Each face has
its own three corners, so that texture and light may change at every edge; merged by position, the
parts are watertight.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
import trimesh

from reparo.scene import Material, Mesh

Part = trimesh.Trimesh
Number = float | int
SECTIONS = 64  # of round parts; facets are below a pixel at 256 pixels


def box(low: Sequence[Number], high: Sequence[Number]) -> Part:
    """The axis-aligned box between two corners."""
    return trimesh.creation.box(bounds=[low, high])


def upright(part: Part, at: Sequence[Number] = (0, 0, 0)) -> Part:
    """Turns a part's axis from z to y and moves it."""
    part.apply_transform(trimesh.transformations.rotation_matrix(-math.pi / 2, [1, 0, 0]))
    part.apply_translation(at)
    return part


def cylinder(radius: Number, low: Number, high: Number) -> Part:
    """A standing cylinder between two heights."""
    part = trimesh.creation.cylinder(radius, height=high - low, sections=SECTIONS)
    return upright(part, (0, (low + high) / 2, 0))


def lathe(*profile: tuple[Number, Number]) -> Part:
    """A body of revolution from points [radius, height], from the axis below to the axis above."""
    return upright(trimesh.creation.revolve(np.array(profile, dtype=float), sections=SECTIONS))


def vase() -> list[Part]:
    """A foot, a belly, a neck and a rim: one wave."""
    heights = np.linspace(0, 1, 25)
    radii = 0.28 - 0.12 * np.sin(2 * math.pi * (heights * 1.05 - 0.62)) - 0.06 * heights
    wall = zip(radii.tolist(), heights.tolist(), strict=True)
    return [lathe((0, 0), *wall, (0, 1))]


def table() -> list[Part]:
    """A top on four legs."""
    legs = [
        box([x - 0.05, 0, z - 0.05], [x + 0.05, 0.62, z + 0.05])
        for x in (-0.5, 0.5)
        for z in (-0.3, 0.3)
    ]
    return [box([-0.6, 0.6, -0.4], [0.6, 0.7, 0.4]), *legs]


def chair() -> list[Part]:
    """A seat on four legs, with a back."""
    legs = [
        box([x - 0.04, 0, z - 0.04], [x + 0.04, 0.45, z + 0.04])
        for x in (-0.22, 0.22)
        for z in (-0.22, 0.22)
    ]
    seat = box([-0.27, 0.43, -0.27], [0.27, 0.5, 0.27])
    return [seat, box([-0.26, 0.45, -0.26], [0.26, 1.0, -0.19]), *legs]


def mug() -> list[Part]:
    """A solid cup with a handle on one side."""
    handle = trimesh.creation.torus(0.25, 0.06, major_sections=48, minor_sections=20)
    handle.apply_translation([0.38, 0.5, 0])
    return [cylinder(0.4, 0, 1), handle]


def house() -> list[Part]:
    """A box with a pitched roof and a chimney."""
    outline = [[-0.5, 0.55], [0.5, 0.55], [0, 1.0]]
    corners = np.array([[x, y, z] for z in (-0.62, 0.62) for x, y in outline])
    sides = [[0, 2, 1], [3, 4, 5], [0, 1, 4], [0, 4, 3], [1, 2, 5], [1, 5, 4], [2, 0, 3], [2, 3, 5]]
    roof = trimesh.Trimesh(corners, sides, process=False)
    walls = box([-0.42, 0, -0.55], [0.42, 0.56, 0.55])
    return [walls, roof, box([0.15, 0.7, 0.2], [0.3, 1.05, 0.35])]


def stairs() -> list[Part]:
    """Three steps down to the front."""
    depths = [(-0.45, -0.15), (-0.2, 0.15), (0.1, 0.45)]
    return [
        box([0.01 * i - 0.4, 0, back], [0.4 - 0.01 * i, 0.85 - 0.27 * i, front])
        for i, (back, front) in enumerate(depths)
    ]


SHAPES: dict[str, Callable[[], list[Part]]] = {
    "crate": lambda: [box([-0.5, 0, -0.4], [0.5, 0.7, 0.4])],
    "pillar": lambda: [cylinder(0.42, 0, 0.12), cylinder(0.3, 0.1, 1.1), cylinder(0.4, 1.1, 1.2)],
    "cone": lambda: [lathe((0, 0), (0.5, 0), (0.5, 0.06), (0.36, 0.1), (0.06, 1.1), (0, 1.1))],
    "ring": lambda: [upright(trimesh.creation.torus(0.4, 0.17, SECTIONS, 32), (0, 0.17, 0))],
    "corner": lambda: [
        box([-0.5, 0, -0.4], [0.5, 0.35, 0.4]),
        box([-0.49, 0.3, -0.39], [-0.1, 1, 0.39]),
    ],
    "table": table,
    "chair": chair,
    "mug": mug,
    "house": house,
    "vase": vase,
    "ball": lambda: [trimesh.creation.icosphere(subdivisions=4, radius=0.5)],
    "stairs": stairs,
}


def made_up_mesh(kind: str, rng: np.random.Generator) -> Mesh:
    """One shape of `SHAPES` with colours and a texture of its own, in the unit cube."""
    parts = SHAPES[kind]()
    corners = np.concatenate([part.triangles for part in parts])  # [f, 3, 3]
    low, high = corners.min((0, 1)), corners.max((0, 1))
    corners = (corners - (low + high) / 2) / (high - low).max()
    tints = np.repeat(
        [part_tint(rng, first=i == 0) for i in range(len(parts))],
        [len(part.faces) for part in parts],
        axis=0,
    )  # [f, 3]
    slow = 1 + 0.18 * np.sin(corners @ rng.normal(size=3) * 2 + rng.uniform(0, 6))  # [f, 3]
    colours = np.ones((*corners.shape[:2], 4))
    colours[..., :3] = (tints[:, None] * slow[..., None]).clip(0, 1)
    texture = made_up_texture(rng)
    dtype = torch.get_default_dtype()
    return Mesh(
        vertices=torch.tensor(corners.reshape(-1, 3), dtype=dtype),
        faces=torch.arange(3 * len(corners)).reshape(-1, 3),
        uv=torch.tensor(box_mapping(corners).reshape(-1, 2), dtype=dtype),
        colours=torch.tensor(colours.reshape(-1, 4), dtype=dtype),
        materials=(Material(texture=torch.tensor(texture, dtype=dtype), name=kind),),
        face_material=torch.zeros(len(corners), dtype=torch.long),
    )


def part_tint(rng: np.random.Generator, first: bool) -> np.ndarray:
    """A factor on the texture's colours: none on an object's main part, a shade on the others."""
    return np.ones(3) if first else rng.uniform(0.6, 1.0, 3)


def box_mapping(corners: np.ndarray) -> np.ndarray:
    """uv of face corners [f, 3, 3], each face seen along the axis it faces most: [f, 3, 2]."""
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    axis = np.abs(normals).argmax(-1)
    across = np.array([[2, 1], [0, 2], [0, 1]])[axis]  # the two axes seen, per face
    uv = np.take_along_axis(corners, across[:, None, :].repeat(3, 1), -1)
    return uv * [1, -1] + 0.5  # v runs down


def made_up_texture(rng: np.random.Generator, size: int = 128) -> np.ndarray:
    """A pattern in two or three colours, RGBA [size, size, 4] in sRGB 0..1, that repeats."""
    v, u = (np.mgrid[:size, :size] + 0.5) / size
    count = int(rng.integers(2, 5))
    wave = smooth(rng, size)
    patterns = [
        (np.floor(u * 2 * count) + np.floor(v * 2 * count)) % 2,  # checker
        np.floor(u * 2 * count) % 2,  # stripes
        np.floor((u + v) * 2 * count) % 2,  # slanted stripes
        np.hypot(u * count % 1 - 0.5, v * count % 1 - 0.5) < 0.3,  # dots
        np.minimum((u + np.floor(v * 2 * count) / 2) * count % 1, v * 2 * count % 1)
        < 0.12,  # bricks
        np.sin(2 * math.pi * (2 * count * v + 1.2 * wave)) > 0.2,  # grain
        wave > 0.15,  # patches
    ]
    choice = np.asarray(patterns[rng.integers(len(patterns))], dtype=float)[..., None]
    hue = rng.uniform()
    ground, figure = (
        colour(hue, rng.uniform(0.35, 0.75), rng.uniform(0.75, 0.97)),
        colour(hue + rng.uniform(0.08, 0.5), rng.uniform(0.1, 0.8), rng.uniform(0.35, 0.97)),
    )
    rgb = ground * (1 - choice) + figure * choice
    rgb = rgb * (1 + 0.08 * wave[..., None])
    return np.concatenate([rgb.clip(0, 1), np.ones((size, size, 1))], -1)


def smooth(rng: np.random.Generator, size: int) -> np.ndarray:
    """A random field that repeats, about -2..2: a few plane waves of whole periods."""
    v, u = (np.mgrid[:size, :size] + 0.5) / size
    waves = [
        np.sin(2 * math.pi * (a * u + b * v) + rng.uniform(0, 2 * math.pi))
        for a, b in rng.integers(-3, 4, size=(6, 2))
    ]
    return np.sum(waves, 0) / math.sqrt(3)


def colour(hue: Number, saturation: Number, value: Number) -> np.ndarray:
    """sRGB of a hue (in turns), a saturation and a value."""
    shifts = (np.array([0, 2 / 3, 1 / 3]) + hue) % 1
    return value * (1 - saturation * (1 - (np.abs(shifts * 6 - 3) - 1).clip(0, 1)))
