"""Made-up things of a household: lamps, vessels, plants, machines, boxes, toys."""

import numpy as np

from training.shape.forms import Ball, Cut, Ring, Turned
from training.shape.furniture import CLOTH, CORNERS, METAL, OTHER, WOOD
from training.shape.pile import Pile, about, lump, profile


def lamp(pile: Pile) -> None:
    """On a table, on the floor, or hanging."""
    high, thick = pile.any(0.25, 1.7), pile.any(0.008, 0.025)
    wide = pile.any(0.1, 0.28)
    kind = pile.pick("straight", "vase", "bent", "hanging")
    top = np.array([0.0, high, 0.0])
    if kind != "hanging":
        pile.disc((0, 0.015, 0), wide * pile.any(0.4, 1), pile.any(0.02, 0.05), METAL)
    if kind == "vase":
        high = min(high, 0.6)
        top = np.array([0.0, high, 0.0])
        shape = profile(pile.rng) * [high, wide * pile.any(0.5, 1.2)]
        pile.turned((0, 0, 0), shape, OTHER)
    elif kind == "bent":
        angle = pile.any(0.2, 1.2)
        reach = high * pile.any(0.3, 0.7)
        elbow = top - np.array([0, 0, reach * 0.3])
        top = elbow + reach * np.array([0, np.cos(angle + 0.8), np.sin(angle + 0.8)])
        pile.bent(np.stack([[0, 0, 0], elbow, top]), thick, METAL)
    else:
        pile.rod((0, 0, 0), (0, high, 0), thick, METAL)
        if kind == "hanging":
            pile.disc((0, high, 0), 0.06, 0.03, METAL)
            top = np.zeros(3)
    tall = wide * pile.any(0.7, 1.8)
    shade = pile.pick("open", "full", "ball", "cone")
    if shade == "ball":
        pile.soft(tuple(top), (wide * 1.6, tall, wide * 1.6), CLOTH, pile.any(2, 4))
        return
    narrow = wide * pile.any(0.2, 0.5) if shade == "cone" else wide * pile.any(0.5, 1)
    outer = np.array([[-tall / 2, wide], [tall / 2, narrow]])
    inner = None
    if shade == "open" and narrow > 0.6 * wide:
        inner = np.array([[-tall * 0.4, 0.86 * wide], [tall / 2, narrow - 0.1 * wide]])
    pile.add(Turned(outer, inner=inner), tuple(top), CLOTH)


def vessel(pile: Pile) -> None:
    """Vase, cup, bowl, bottle or jug, hollow where one can look in."""
    high, wide = pile.any(0.08, 0.6), pile.any(0.1, 0.5)
    shape = profile(pile.rng) * [high, wide]
    wall = shape[:, 1].max() * pile.any(0.06, 0.15)
    inner = None
    if shape[-1, 1] > 0.6 * shape[:, 1].max() and pile.chance(0.7):
        inner = shape - [0, wall]
        inner = inner[(inner[:, 0] > wall) & (inner[:, 1] > 0)]
        inner = inner if len(inner) >= 2 and inner[-1, 0] == high else None
        if inner is None and shape[:, 1].min() > wall:
            inner = np.array([[2 * wall, shape[0, 1] - wall], [high, shape[-1, 1] - wall]])
            inner[0, 0] = min(inner[0, 0], high / 2)
    sides = 32 if pile.chance(0.8) else int(pile.rng.integers(4, 9))
    pile.add(Turned(shape, sides, inner), (0, 0, 0), OTHER)
    out = float(np.interp(high * 0.55, *shape.T))
    if pile.chance(0.4):  # handles
        big = high * pile.any(0.15, 0.3)
        for side in (1, -1)[: 1 + pile.chance(0.25)]:
            place = (side * (out + big * 0.4), high * 0.55, 0.0)
            pile.add(Ring(big, wall), place, OTHER, about(0, np.pi / 2))
    if pile.chance(0.2):  # a spout
        start, end = (-out * 0.8, high * 0.4, 0.0), (-out - high * 0.35, high * 0.9, 0.0)
        pile.rod(start, end, 2 * wall, OTHER)
    if pile.chance(0.25) and inner is None:  # a lid
        pile.soft((0, high, 0), (2 * shape[-1, 1], high * 0.25, 2 * shape[-1, 1]), CLOTH, 2)
        pile.soft((0, high * 1.15, 0), (4 * wall, 4 * wall, 4 * wall), CLOTH, 2)
    if pile.chance(0.2):  # flowers
        flowers(pile, high * 0.7, high * pile.any(1.3, 2.2), wide)


def flowers(pile: Pile, low: float, high: float, wide: float) -> None:
    """Stems with heads."""
    for _ in range(int(pile.rng.integers(2, 9))):
        end = (pile.any(-1, 1) * wide * 0.8, high * pile.any(0.8, 1), pile.any(-1, 1) * wide * 0.8)
        pile.rod((end[0] * 0.2, low, end[2] * 0.2), end, 0.008, METAL)
        size = wide * pile.any(0.15, 0.4)
        pile.soft(end, (size, size * pile.any(0.4, 1), size), CLOTH, 2)


def plant(pile: Pile) -> None:
    """Something growing in a pot."""
    pot, tall = pile.any(0.1, 0.25), pile.any(0.15, 0.4)
    narrow = pot * pile.any(0.6, 1.1)
    pile.turned((0, 0, 0), [(0, narrow), (tall, pot)], OTHER, 32 if pile.chance(0.7) else 4)
    kind = pile.pick("tree", "bush", "leaves", "cactus", "bare")
    top = tall + pile.any(0.2, 1.2)
    if kind == "leaves":
        for turn in np.arange(int(pile.rng.integers(6, 20))) * 2.4:
            up, size = pile.any(0.2, 1.3), pile.any(0.15, 0.4)
            way = np.array([np.cos(up) * np.sin(turn), np.sin(up), np.cos(up) * np.cos(turn)])
            end = np.array([0, tall, 0]) + way * size * 1.5
            pile.rod((0, tall - 0.02, 0), tuple(end), 0.008, METAL)
            leaf = Ball(np.array([size * pile.any(0.15, 0.5), 0.012, size]), 2)
            pile.add(leaf, tuple(end), CLOTH, about(1, turn) @ about(0, -up * 0.7))
        return
    if kind == "cactus":
        shape = profile(pile.rng, knots=4) * [top - tall, pot]
        pile.turned((0, tall, 0), shape, CLOTH, 10)
        return
    path = np.array([[0, tall - 0.05, 0], [pile.any(-0.1, 0.1), (tall + top) / 2, 0], [0, top, 0]])
    pile.bent(path, pile.any(0.012, 0.04), WOOD)
    for number in range({"tree": 4, "bush": 7, "bare": 5}[kind]):
        low = (tall + top) / 2 if kind == "tree" else tall + 0.05
        size = pile.any(0.12, 0.35) * (0.4 if kind == "bare" else 1)
        place = (pile.any(-0.25, 0.25), pile.any(low, top), pile.any(-0.25, 0.25))
        if number == 0:
            place = (0.0, top, 0.0)
        pile.rod((0, place[1] - 0.1, 0), place, 0.012, WOOD)
        pile.add(lump(pile.rng, size), place, CLOTH)


def machine(pile: Pile) -> None:
    """A screen, a picture, or a kitchen's machine with doors and knobs."""
    kind = pile.pick("screen", "screen", "frame", "open", "block", "block")
    wide, high = pile.any(0.3, 1.2), pile.any(0.3, 1.0)
    thick = pile.any(0.02, 0.1)
    if kind == "screen":
        low, lean = pile.any(0.04, 0.3), about(0, -pile.any(-0.05, 0.2))
        pile.box((0, low + high / 2, 0), (wide, high, thick), METAL, lean)
        pile.box((0, low + high / 2, thick / 2), (wide * 0.94, high * 0.9, 0.01), OTHER, lean)
        if pile.chance(0.3):
            pile.soft((0, low + high / 2, -0.12), (wide * 0.7, high * 0.7, 0.3), METAL, 4)
        pile.rod((0, 0.01, -thick), (0, low + high / 3, -thick), pile.any(0.015, 0.05), METAL)
        pile.box((0, 0.01, 0), (wide * pile.any(0.3, 0.7), 0.025, pile.any(0.12, 0.3)), METAL)
    elif kind == "frame":
        bar = pile.any(0.03, 0.08)
        pile.box((0, high / 2, 0), (wide, high, 0.02), OTHER)
        for side in (-1, 1):
            pile.box((side * wide / 2, high / 2, 0), (bar, high + bar, thick), WOOD)
            pile.box((0, (side + 1) * high / 2, 0), (wide + bar, bar, thick), WOOD)
    elif kind == "open":  # a folding computer, a piano's keys
        deep, angle = wide * 0.7, pile.any(-0.1, 0.6)
        pile.box((0, 0, 0), (wide, 0.03, deep), METAL)
        pile.box((0, 0.02, deep * 0.05), (wide * 0.9, 0.02, deep * 0.5), CLOTH)
        up = np.array([0, np.cos(angle), -np.sin(angle)]) * deep / 2
        pile.box((0, up[1], up[2] - deep / 2), (wide, deep, 0.025), OTHER, about(0, -angle))
    else:
        deep = pile.any(0.3, 0.7)
        pile.soft((0, high / 2, 0), (wide, high, deep), METAL, pile.any(8, 20))
        panel = pile.any(0.1, 0.3) * high
        pile.box((0, (high - panel) / 2, deep / 2), (wide * 0.9, high - panel * 1.2, 0.05), OTHER)
        pile.rod((-wide * 0.3, high - panel, deep / 2 + 0.06), (wide * 0.3, high - panel,
                 deep / 2 + 0.06), 0.015, METAL)  # fmt: skip
        for x in np.linspace(-0.4, 0.4, int(pile.rng.integers(2, 7))) * wide:
            knob = Turned(np.array([[-0.03, 0.03], [0.03, 0.03]]))
            pile.add(knob, (x, high - panel / 2, deep / 2), CLOTH, about(0, np.pi / 2))


def case(pile: Pile) -> None:
    """A box, crate, basket, basin or suitcase; open, with a lid, or shut."""
    wide, high, deep = pile.any(0.2, 0.9), pile.any(0.1, 0.6), pile.any(0.2, 0.7)
    wall, kind = pile.any(0.02, 0.04) * max(wide, deep), pile.pick("open", "lid", "shut", "round")
    if kind == "round":
        half = wide / 2
        sides = 32 if pile.chance(0.6) else int(pile.rng.integers(4, 9))
        outer = np.array([[0, half * pile.any(0.6, 1)], [high, half]])
        inner = outer - [0, 1.5 * wall]
        inner[0, 0] = min(2 * wall, high / 2)
        pile.add(Turned(outer, sides, inner), (0, 0, 0), WOOD)
        return
    if kind == "shut":
        pile.soft((0, high / 2, 0), (wide, high, deep), WOOD, pile.any(5, 20))
        pile.box((0, high * pile.any(0.5, 0.8), 0), (wide * 1.01, 0.02, deep * 1.01), METAL)
        pile.add(Ring(wide * 0.12, wall), (0, high, 0), METAL, about(0, np.pi / 2))
        return
    pile.box((0, wall / 2, 0), (wide, wall, deep), WOOD)
    for side in (-1, 1):
        pile.box((side * (wide - wall) / 2, high / 2, 0), (wall, high, deep), WOOD)
        pile.box((0, high / 2, side * (deep - wall) / 2), (wide, high, wall), WOOD)
    if kind == "lid":
        angle = pile.any(0.4, 2.2)
        way = np.array([0, np.sin(angle), np.cos(angle)]) * deep / 2
        pile.box((0, high + way[1], way[2] - deep / 2), (wide, wall, deep), CLOTH, about(0, -angle))
    if pile.chance(0.4):
        for _ in range(4):
            size = pile.any(0.2, 0.45) * min(wide, deep)
            place = (
                pile.any(-0.3, 0.3) * wide,
                high * pile.any(0.3, 0.9),
                pile.any(-0.2, 0.2) * deep,
            )
            pile.soft(place, (size, size, size), OTHER, pile.any(2, 6))


def toy(pile: Pile) -> None:
    """A beast, a car, a house, a tower or stairs."""
    kind = pile.pick("beast", "beast", "car", "house", "tower", "stairs")
    if kind == "beast":
        beast(pile)
    elif kind == "car":
        long, high = pile.any(0.5, 0.9), pile.any(0.1, 0.25)
        pile.soft((0, high, 0), (0.35, high, long), CLOTH, 6)
        pile.soft((0, 1.7 * high, -0.05), (0.32, high, long * 0.55), OTHER, pile.any(3, 8))
        wheel = Turned(np.array([[-0.03, high * 0.5], [0.03, high * 0.5]]))
        for i, j in CORNERS:
            place = (i * 0.17, high * 0.5, j * long * 0.3)
            pile.add(wheel, place, METAL, about(2, np.pi / 2))
    elif kind == "house":
        wide, high, deep = pile.any(0.4, 0.8), pile.any(0.25, 0.7), pile.any(0.4, 0.9)
        pile.box((0, high / 2, 0), (wide, high, deep), WOOD)
        half = wide * pile.any(0.5, 0.65)
        gable = np.array([[-half, -0.1], [half, -0.1], [0, 0.4 * wide]])[[0, 2, 1]]
        pile.add(Cut(gable, deep * 0.55), (0, high + 0.1, 0), CLOTH, about(0, -np.pi / 2))
        pile.box((0, high * 0.3, deep / 2), (wide * 0.2, high * 0.6, 0.05), OTHER)
    elif kind == "tower":
        low = 0.0
        for stuff in range(int(pile.rng.integers(2, 6))):
            high, wide = pile.any(0.08, 0.3), pile.any(0.15, 0.5)
            if pile.chance(0.5):
                pile.box((0, low + high / 2, 0), (wide, high, pile.any(0.15, 0.5)), stuff % 4,
                         about(1, pile.any(0, 1.5)))  # fmt: skip
            else:
                pile.disc(
                    (0, low + high / 2, 0), wide / 2, high, stuff % 4, pile.rng.integers(3, 9)
                )
            low += high
    else:
        steps, wide = int(pile.rng.integers(3, 9)), pile.any(0.4, 1.2)
        for step in range(1, steps + 1):
            pile.box((0, step * 0.09, -step * 0.25), (wide, step * 0.18, 0.26), WOOD)


def beast(pile: Pile) -> None:
    """A body, a head, limbs and a tail."""
    long, thick, leg = pile.any(0.3, 0.8), pile.any(0.15, 0.35), pile.any(0.1, 0.4)
    upright = pile.chance(0.35)
    size = (thick, long, thick * 0.9) if upright else (thick, thick * pile.any(0.8, 1.3), long)
    y = leg + size[1] / 2
    pile.soft((0, y, 0), size, CLOTH, pile.any(2, 3))
    head = thick * pile.any(0.6, 1.3)
    front = (0.0, y + size[1] / 2 + head * 0.3, 0.0 if upright else long / 2)
    pile.soft(front, (head, head * pile.any(0.8, 1.2), head), CLOTH, 2)
    pile.rod((0, y, front[2] * 0.5), front, thick * 0.2, CLOTH)
    for side in (-1, 1):
        ear = (side * head * 0.35, front[1] + head * pile.any(0.45, 0.8), front[2])
        pile.rod(front, ear, head * pile.any(0.08, 0.2), OTHER)
        for end in (0,) if upright else (-1, 1):
            x, z = side * thick * 0.35, end * long * 0.33
            pile.rod((x, y, z), (x, 0.04, z), thick * pile.any(0.12, 0.2), CLOTH)
        if upright:
            hand = (side * thick, y + long * pile.any(-0.3, 0.4), thick * 0.4)
            pile.rod((side * thick * 0.3, y + long * 0.25, 0), hand, thick * 0.16, CLOTH)
    if pile.chance(0.6):
        end = (0.0, y + pile.any(-0.1, 0.25), -long * pile.any(0.6, 0.9))
        pile.rod((0, y, -size[2] * 0.4), end, thick * 0.1, OTHER)


THINGS = (lamp, vessel, vessel, plant, machine, case, toy)
