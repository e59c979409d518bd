"""Made-up furniture: to sit on, to put things on and into, to lie on."""

import numpy as np

from training.shape.pile import Pile, Three, about, cut, profile

WOOD, CLOTH, METAL, OTHER = range(4)  # stuffs
CORNERS = ((-1, -1), (-1, 1), (1, -1), (1, 1))
Two = tuple[float, float]


def chair(pile: Pile) -> None:
    """A chair or stool; with or without back and arms."""
    wide, deep, high = pile.any(0.36, 0.55), pile.any(0.36, 0.55), pile.any(0.38, 0.75)
    thick, cloth = pile.any(0.025, 0.09), CLOTH if pile.chance(0.5) else WOOD
    kind = pile.pick("box", "box", "soft", "round", "shell")
    if kind == "round":
        pile.disc((0, high, 0), wide / 2, thick, cloth)
    elif kind == "box":
        pile.box((0, high, 0), (wide, thick, deep), cloth)
    else:
        pile.soft((0, high, 0), (wide, 1.5 * thick, deep), cloth, pile.any(3, 8))
    under(pile, (wide, deep), high - thick / 2, pile.any(0.012, 0.03))
    if pile.chance(0.8) and kind != "round":
        back(pile, (wide, deep), high + thick / 2)
    if pile.chance(0.3):
        arm, top = pile.any(0.018, 0.035), high + pile.any(0.16, 0.25)
        for side in (-1, 1):
            x = side * wide / 2
            pile.box((x, top, 0), (2 * arm, 1.6 * arm, deep), WOOD)
            pile.rod((x, top, deep * 0.35), (x, high, deep * 0.35), arm, WOOD)
            if kind == "round" or pile.chance(0.5):
                pile.rod((x, top, -deep * 0.4), (x, high, -deep * 0.4), arm, WOOD)


def back(pile: Pile, size: Two, low: float) -> None:
    """A chair's back, of one of many kinds, leaning a little."""
    wide, deep = size
    high, lean, thick = pile.any(0.25, 0.6), pile.any(0, 0.25), pile.any(0.015, 0.045)
    z, turn = -deep / 2 + thick, about(0, -lean)
    middle = (0.0, low + high / 2 * np.cos(lean), z - high / 2 * np.sin(lean))
    kind = pile.pick("slab", "soft", "slats", "bars", "frame")
    if kind == "slab":
        pile.box(middle, (wide, high * 1.05, 2 * thick), pile.rng.integers(2), turn)
        return
    if kind == "soft":
        pile.soft(middle, (wide, high * 1.1, 4 * thick), CLOTH, pile.any(3, 7))
        return

    def at(x: float, share: float) -> Three:
        return x, low + share * high * np.cos(lean), z - share * high * np.sin(lean)

    for side in (-1, 1):
        pile.rod(at(side * wide * 0.46, -0.05), at(side * wide * 0.46, 1), thick, WOOD)
    pile.rod(at(-wide * 0.46, 1), at(wide * 0.46, 1), 1.3 * thick, WOOD)
    for share in np.linspace(0.1, 1, int(pile.rng.integers(3, 7)))[:-1]:
        if kind == "slats":
            pile.box(at(0, share), (wide * 0.92, high * 0.12, 1.2 * thick), WOOD, turn)
        elif kind == "bars":
            pile.rod(at((share - 0.5) * wide * 0.8, 0), at((share - 0.5) * wide * 0.8, 1),
                     0.7 * thick, WOOD)  # fmt: skip


def under(pile: Pile, size: Two, high: float, thick: float) -> None:
    """What carries a seat or a table's top: legs, a foot, or sides."""
    kind = pile.pick("legs", "legs", "square", "turned", "foot", "star", "sled", "panels")
    inset = pile.any(0.8, 0.95)
    x, z = size[0] / 2 * inset, size[1] / 2 * inset
    if kind in ("legs", "square", "turned"):
        legs(pile, kind, (x, high, z), thick)
    elif kind == "foot":
        pile.rod((0, 0.02, 0), (0, high, 0), thick * pile.any(1, 3), METAL)
        pile.disc((0, 0.02, 0), min(size) * pile.any(0.3, 0.5), 0.04, METAL)
    elif kind == "star":
        pile.rod((0, 0.1, 0), (0, high, 0), thick * 1.2, METAL)
        count, wide = int(pile.rng.integers(3, 6)), size[0] * 0.55
        for turn in np.arange(count) / count * 2 * np.pi + pile.any(0, 2):
            end = (wide * np.sin(turn), 0.04, wide * np.cos(turn))
            pile.rod((0, 0.12, 0), end, thick, METAL)
            pile.soft(end, (0.07, 0.07, 0.07), OTHER, 2)
    elif kind == "sled":
        for i in (-x, x):
            path = [(i, high, z), (i, thick, z), (i, thick, -z), (i, high, -z)]
            pile.bent(np.array(path), thick, METAL)
    else:
        for i in (-x, x):
            pile.box((i, high / 2, 0), (2 * thick, high, 2 * z), WOOD)
        if pile.chance(0.5):
            pile.box((0, high * 0.5, -z), (2 * x, high * pile.any(0.2, 0.9), 1.5 * thick), WOOD)


def legs(pile: Pile, kind: str, corner: Three, thick: float) -> None:
    """Four of them, up to a corner and its like, with bars between."""
    x, high, z = corner
    out = pile.any(0.85, 1.15)
    shape = profile(pile.rng, knots=int(pile.rng.integers(2, 7))) * [high, 3 * thick]
    for i, j in CORNERS:
        if kind == "legs":
            pile.rod((i * x * out, thick, j * z * out), (i * x, high, j * z), thick, WOOD)
        elif kind == "square":
            pile.box((i * x, high / 2, j * z), (2 * thick, high, 2 * thick), WOOD)
        else:
            pile.turned((i * x, 0, j * z), shape, WOOD, 12)
    if pile.chance(0.35) and kind != "turned":
        y = high * pile.any(0.2, 0.6)
        for j in (-1, 1):
            pile.rod((-x, y, j * z), (x, y, j * z), 0.7 * thick, WOOD)
            pile.rod((j * x, y, -z), (j * x, y, z), 0.7 * thick, WOOD)


def table(pile: Pile) -> None:
    """A table or desk."""
    high, wide = pile.any(0.35, 0.95), pile.any(0.5, 1.8)
    deep, thick = pile.any(0.4, 1.0), pile.any(0.02, 0.07)
    kind = pile.pick("box", "box", "box", "round", "prism", "any")
    if kind == "box":
        pile.box((0, high, 0), (wide, thick, deep), WOOD)
    elif kind == "any":
        wide = deep
        pile.add(cut(pile.rng, deep / 2, thick, 10), (0, high, 0), WOOD)
    else:
        wide = deep
        sides = 32 if kind == "round" else int(pile.rng.integers(5, 9))
        pile.disc((0, high, 0), deep / 2, thick, WOOD, sides)
    leg = 0.75 if kind != "box" else 1.0
    under(pile, (wide * leg, deep * leg), high - thick / 2, pile.any(0.015, 0.05))
    if kind != "box":
        return
    if pile.chance(0.3):  # an apron
        pile.box((0, high - 0.07, 0), (wide * 0.9, 0.12, deep * 0.85), WOOD)
    if pile.chance(0.25):  # a shelf below
        pile.box((0, high * pile.any(0.2, 0.5), 0), (wide * 0.9, 0.03, deep * 0.9), WOOD)
    if pile.chance(0.35):  # drawers
        for side in (-1, 1)[: 1 + pile.chance(0.4)]:
            low = pile.any(0, 0.5) * high
            middle = (side * wide * 0.33, (low + high) / 2, 0)
            drawers(pile, middle, (wide * 0.28, high - low, deep * 0.9))
    if pile.chance(0.35):
        things(pile, (wide * 0.8, deep * 0.8), high + thick / 2)


def things(pile: Pile, size: Two, low: float) -> None:
    """A few small things on a plane."""
    for _ in range(int(pile.rng.integers(1, 5))):
        x, z = pile.any(-0.5, 0.5) * size[0], pile.any(-0.5, 0.5) * size[1]
        wide, high = pile.any(0.05, 0.25), pile.any(0.04, 0.35)
        kind = pile.pick("box", "turned", "ball", "books")
        if kind == "turned":
            shape = profile(pile.rng) * [high, 0.8 * wide]
            pile.turned((x, low, z), shape, OTHER)
        elif kind == "ball":
            pile.soft((x, low + wide / 2, z), (wide, wide, wide), OTHER, 2)
        else:
            turn = about(1, pile.any(0, 3))
            pile.box((x, low + high / 2, z), (wide, high, 0.6 * wide), OTHER, turn)


def drawers(pile: Pile, place: Three, size: Three) -> None:
    """A block with fronts and handles."""
    (x, y, z), (wide, high, deep) = place, size
    pile.box(place, size, WOOD)
    count = int(pile.rng.integers(1, 6))
    step, out = high / count, z + deep / 2
    for number in range(count):
        at = y - high / 2 + (number + 0.5) * step
        pile.box((x, at, out), (wide * 0.94, step * 0.88, 0.03), OTHER if count > 2 else WOOD)
        if wide > 0.6:
            pile.rod((x - wide / 5, at, out + 0.03), (x + wide / 5, at, out + 0.03), 0.012, METAL)
        else:
            pile.soft((x, at, out + 0.03), (0.05, 0.05, 0.05), METAL, 2)


def cabinet(pile: Pile) -> None:
    """A shelf or cupboard: open, with doors or drawers, or some of each."""
    wide, high, deep = pile.any(0.4, 1.6), pile.any(0.4, 2.1), pile.any(0.25, 0.65)
    low = pile.any(0.05, 0.3) if pile.chance(0.4) else 0.0
    wall = pile.any(0.018, 0.05)
    middle = low + high / 2
    if low:
        under(pile, (wide, deep), low + wall, pile.any(0.015, 0.03))
    if pile.chance(0.25):
        drawers(pile, (0, middle, 0), (wide, high, deep))
        return
    for side in (-1, 1):
        pile.box((side * (wide - wall) / 2, middle, 0), (wall, high, deep), WOOD)
    rows, columns = int(pile.rng.integers(1, 7)), int(pile.rng.integers(1, 4))
    for y in np.linspace(low + wall / 2, low + high - wall / 2, rows + 1):
        pile.box((0, y, 0), (wide, wall, deep), WOOD)
    for x in np.linspace(-wide / 2, wide / 2, columns + 1)[1:-1]:
        pile.box((x, middle, 0), (wall, high, deep), WOOD)
    if pile.chance(0.75):
        pile.box((0, middle, (wall - deep) / 2), (wide, high, wall), WOOD)
    cells(pile, (rows, columns), (0, middle, 0), (wide, high, deep))


def cells(pile: Pile, grid: tuple[int, int], place: Three, size: Three) -> None:
    """What is in the cells of a shelf: drawers, things, nothing."""
    (rows, columns), (wide, high, deep) = grid, size
    shut = (0.0, 0.35, 0.85)[int(pile.rng.integers(3))]
    across, tall = wide / columns, high / rows
    for row in range(rows):
        for column in range(columns):
            y = place[1] - high / 2 + (row + 0.5) * tall
            cell = ((column + 0.5) * across - wide / 2, y, 0.0)
            if pile.chance(shut):
                drawers(pile, cell, (across - 0.01, tall - 0.01, deep))
            elif pile.chance(0.4):
                stood(pile, cell, (across - 0.03, tall - 0.03, deep))


def stood(pile: Pile, place: Three, size: Three) -> None:
    """Books or a thing in a shelf's cell."""
    (x, y, z), (wide, high, deep) = place, size
    low = y - high / 2
    if pile.chance(0.6):
        share, tall = pile.any(0.3, 1), high * pile.any(0.5, 0.95)
        pile.box((x - wide * (1 - share) / 2, low + tall / 2, z), (wide * share, tall, deep * 0.8),
                 OTHER)  # fmt: skip
    else:
        across = min(wide, deep) * 0.8
        shape = profile(pile.rng) * [high * 0.8, across]
        pile.turned((x, low, z), shape, CLOTH)


def sofa(pile: Pile) -> None:
    """An armchair or sofa, some with a corner."""
    seats = int(pile.rng.integers(1, 4))
    wide, deep, high = seats * pile.any(0.5, 0.75), pile.any(0.7, 1.0), pile.any(0.32, 0.48)
    arm, thick, tall = pile.any(0.08, 0.25), pile.any(0.1, 0.28), pile.any(0.3, 0.55)
    power = pile.any(4, 12)
    low = pile.any(0.04, 0.15) if pile.chance(0.6) else 0.0
    full = wide + 2 * arm
    pile.soft((0, (low + high) / 2, 0), (full, high - low, deep), CLOTH, 10)
    pile.soft((0, (low + high + tall) / 2, (thick - deep) / 2), (full, high + tall - low, thick),
              CLOTH, power)  # fmt: skip
    if pile.chance(0.8):
        top = high + pile.any(0.1, 0.3)
        for side in (-1, 1):
            pile.soft((side * (wide + arm) / 2, (low + top) / 2, 0.02), (arm, top - low, deep),
                      CLOTH, power)  # fmt: skip
    if pile.chance(0.75):
        cushion, each = pile.any(0.08, 0.18), wide / seats
        for x in (np.arange(seats) + 0.5) * each - wide / 2:
            pile.soft((x, high + cushion / 2, thick / 2), (each, cushion, deep - thick), CLOTH, 5)
            if pile.chance(0.6):
                pile.soft((x, high + 0.3, thick - deep / 2 + 0.06), (each * 0.95, 0.45, 0.2),
                          OTHER, 4)  # fmt: skip
    if pile.chance(0.2):
        side = pile.rng.choice([-1, 1])
        pile.soft(
            (side * wide / 3, (low + high) / 2, deep), (full / 3, high - low, deep), CLOTH, 10
        )
    for i, j in CORNERS if low else ():
        foot = (i * (full / 2 - 0.06), low / 2, j * (deep / 2 - 0.06))
        pile.box(foot, (0.05, low + 0.05, 0.05), WOOD)


def bed(pile: Pile) -> None:
    """A bed with pillows; some with an upper bunk or a canopy."""
    wide, deep, high = pile.any(0.8, 1.9), pile.any(1.8, 2.1), pile.any(0.2, 0.5)
    thick = pile.any(0.12, 0.3)
    levels = (0.0, pile.any(0.9, 1.2)) if pile.chance(0.12) else (0.0,)
    for low in levels:
        y = low + high
        pile.box((0, y - 0.06, 0), (wide, pile.any(0.08, 0.2), deep), WOOD)
        pile.soft((0, y + thick / 2, 0), (wide * 0.97, thick, deep * 0.97), CLOTH, 9)
        for x in (-wide / 4, wide / 4) if wide > 1.2 else (0.0,):
            pile.soft((x, y + thick + 0.05, -deep * 0.4), (0.6, pile.any(0.1, 0.2), 0.4), OTHER, 4)
        if pile.chance(0.6):
            pile.soft((0, y + thick * 0.6, deep * 0.12), (wide * 1.04, thick * 1.1, deep * 0.7),
                      METAL, 9)  # fmt: skip
    post, top = pile.any(0.03, 0.06), levels[-1] + high
    tall = pile.any(0.2, 0.8)
    for end, up in ((-1, tall), (1, tall * pile.any(0, 0.8))):
        z = end * deep / 2
        if up > 0.15 and pile.chance(0.75):
            pile.box((0, (top + up) / 2, z), (wide, top + up, 2 * post), WOOD)
        else:
            for side in (-1, 1):
                x = side * (wide / 2 - post)
                pile.box((x, (top + up) / 2, z), (2 * post, top + up, 2 * post), WOOD)


FURNITURE = (chair, chair, table, cabinet, sofa, bed)
