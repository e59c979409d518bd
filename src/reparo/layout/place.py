"""A first layout in closed form: from masks, depth, ground and the meshes' extent.

Seen from a fixed camera, an object's place is its bearing, its apparent size and its distance.
The mask's four sides give bearing and apparent size; what gives the distance depends on what is
known: the ground under its foot, the depth map, or, with neither, a guess that all are equally big.
"""

import math
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reparo.contracts import Renderer
from reparo.layout.depth_map import Relief, fit_depth_map
from reparo.layout.support import supporters_of
from reparo.layout.unknowns import Unknowns
from reparo.layout.view import View, look
from reparo.scene import Camera, Problem, Similarity, Start, quaternion_to_matrix

DOUBTED_SIDE = 0.05  # weight of a mask's side that another object or the picture's edge cuts
MOST_VERTICES = 4000
SEEN = 0.01  # of its mask's area that an object must cover where it starts
GRAZING = 0.02  # a foot's ray must fall at least this steeply to meet the ground


def place(problem: Problem, view: View, render: Renderer, free: tuple[str, ...]) -> Unknowns:
    """Puts each object where its mask, and what is known of depth and ground, wants it."""
    unit = torch.stack([_fit_sides(problem, view, k) for k in range(len(problem.meshes))])
    at_one = _at_distances(problem, unit, torch.ones(len(unit)))
    sight = look(problem, at_one, view, render)
    standing = torch.where(_foot_is_cut(view), torch.nan, _by_ground(problem, at_one.layout))
    mapped, gain, offset = standing, 1.0, 0.0
    if problem.observation.depth is not None:
        relief = Relief.seen(view, sight.layers, problem.observation.depth.kind)
        mapped, gain, offset = fit_depth_map(relief, standing, unit[:, 2].exp())
    equally_big = (-unit[:, 2]).exp()
    z = equally_big
    for better in (_by_ground(problem, at_one.layout), mapped, standing):
        z = torch.where(better.isnan(), z, better)
    if problem.observation.depth is not None and problem.observation.depth.kind == "metric":
        z = torch.where(mapped.isnan(), z, mapped)
    else:
        for k, j in enumerate(supporters_of(problem, sight)):
            z[k] = z[k] if j is None else z[j]  # what stands on another is about as far
    placed = _at_distances(problem, unit, z, gain, offset)
    return _with_starts(problem, placed, view, render, free)


def _at_distances(
    problem: Problem,
    unit: Float[Tensor, "n 3"],
    z: Float[Tensor, " n"],
    gain: float = 1.0,
    offset: float = 0.0,
) -> Unknowns:
    """From bearing [x/z, y/z], log(scale/z) and z to a layout; the ground as it was chosen."""
    wxyz = torch.stack([start.wxyz for start in problem.starts])
    scale = unit[:, 2].exp() * z
    local = torch.stack([unit[:, 0], unit[:, 1], -torch.ones_like(z)], -1) * z[:, None]
    middle = problem.camera.world_from_camera.apply(local)
    centres = torch.stack([mesh.bounds.mean(0) for mesh in problem.meshes])
    turned = (quaternion_to_matrix(wxyz) @ centres[..., None])[..., 0] * scale[:, None]
    layout = Similarity(wxyz, middle - turned, scale)
    return Unknowns(layout, gain, offset, chosen_ground(problem.camera))


def chosen_ground(camera: Camera) -> float:
    """The ground's height where nothing measures it: 0 if the camera is above that, else 1 below.

    One picture cannot tell a small near world from a large far one, so this is a choice.
    """
    eye = camera.world_from_camera.translation[1].item()
    return 0.0 if eye > 0 else eye - 1.0


def _fit_sides(problem: Problem, view: View, k: int) -> Float[Tensor, "3"]:
    """Bearing and log(scale/z) at which the mesh's projected box has the mask's sides.

    Fixed point: project at the present guess, compare sides, correct; sides that are cut off by
    something else count little.
    """
    wanted, trust = _sides(view.masks[k], view.others[k])
    mesh, camera = problem.meshes[k], view.camera
    step = max(len(mesh.vertices) // MOST_VERTICES, 1)
    turned = (
        (mesh.vertices[::step] - mesh.bounds.mean(0))
        @ quaternion_to_matrix(problem.starts[k].wxyz).mT
        @ camera.camera_from_world.matrix.mT
    )  # camera axes, about the object's centre
    centre = wanted.new_tensor([camera.size[1] / 2, camera.size[0] / 2])
    middle = (wanted[:2] + wanted[2:]) / 2 - centre
    extent = (wanted[2:] - wanted[:2]).norm() / camera.focal
    size = extent / turned.amax(0).sub(turned.amin(0))[:2].norm().clamp(min=1e-9)
    guess = torch.stack([middle[0] / camera.focal, -middle[1] / camera.focal, size.log()])
    for _ in range(8):
        guess = guess + _side_step(turned, guess, wanted, trust, camera)
    return guess


def _side_step(
    turned: Float[Tensor, "v 3"],
    guess: Float[Tensor, "3"],
    wanted: Float[Tensor, "4"],
    trust: Float[Tensor, "4"],
    camera: Camera,
) -> Float[Tensor, "3"]:
    """Weighted least squares on left, top, right, bottom; unknowns x, y, log size."""
    z = (1 - guess[2].exp() * turned[:, 2]).clamp(min=0.1)
    flip = turned.new_tensor([1.0, -1.0])
    sideways = guess[:2] + guess[2].exp() * turned[:, :2]
    pixels = camera.focal * flip * sideways / z[:, None]
    pixels = pixels + pixels.new_tensor([camera.size[1] / 2, camera.size[0] / 2])
    low, high = pixels.amin(0), pixels.amax(0)
    found, middle = torch.cat([low, high]), (low + high) / 2
    jacobian = torch.zeros(4, 3, dtype=turned.dtype)
    jacobian[[0, 2], 0] = camera.focal
    jacobian[[1, 3], 1] = -camera.focal
    jacobian[:, 2] = found - middle.repeat(2)
    weighted = jacobian * trust[:, None]
    inverse = torch.linalg.pinv(weighted)
    step = inverse @ ((wanted - found) * trust)
    return step.clamp(-0.5, 0.5)


def _sides(
    mask: Bool[Tensor, "h w"], others: Bool[Tensor, "h w"]
) -> tuple[Float[Tensor, "4"], Float[Tensor, "4"]]:
    """Left, top, right, bottom of a mask in px, and how far each is the object's own."""
    rows, columns = mask.any(1).nonzero().flatten(), mask.any(0).nonzero().flatten()
    top, bottom = int(rows[0]), int(rows[-1])
    left, right = int(columns[0]), int(columns[-1])
    sides = torch.tensor([left, top, right + 1, bottom + 1], dtype=torch.get_default_dtype())
    cut = [
        _is_cut(mask.mT, others.mT, left, -1),
        _is_cut(mask, others, top, -1),
        _is_cut(mask.mT, others.mT, right, 1),
        _is_cut(mask, others, bottom, 1),
    ]
    trust = torch.tensor([DOUBTED_SIDE if is_cut else 1.0 for is_cut in cut])
    return sides, trust.to(sides)


def _is_cut(
    mask: Bool[Tensor, "h w"], others: Bool[Tensor, "h w"], row: int, outwards: int
) -> bool:
    """Whether the outermost row of a mask ends at another object or at the picture's edge."""
    beyond = row + outwards
    if not 0 <= beyond < len(mask):
        return True
    near = others[min(row, beyond + outwards) : max(row, beyond + outwards) + 1].any(0)
    return bool((mask[row] & near).any())


def _foot_is_cut(view: View) -> Bool[Tensor, " n"]:
    """Whether an object's lowest row is not its foot."""
    trusts = [_sides(view.masks[k], view.others[k])[1] for k in range(len(view.masks))]
    return torch.stack(trusts)[:, 3] < 1


def _by_ground(problem: Problem, at_one: Similarity) -> Float[Tensor, " n"]:
    """z at which each object, grown about the camera, stands on the chosen ground; nan: none."""
    eye = problem.camera.world_from_camera.translation[1]
    found = torch.full_like(at_one.scale, math.nan)
    if problem.observation.ground is None:
        return found
    for k, mesh in enumerate(problem.meshes):
        below = at_one[k].apply(mesh.vertices)[:, 1].min() - eye
        if below < -GRAZING:
            found[k] = (chosen_ground(problem.camera) - eye) / below
    return found


def _with_starts(
    problem: Problem, placed: Unknowns, view: View, render: Renderer, free: tuple[str, ...]
) -> Unknowns:
    """What the caller gave as a start replaces what was placed, if anything is seen from there.

    From out of sight nothing leads home. A scale that is given and not free is kept even so: the
    placed object, grown about the eye, looks the same.
    """
    old, eye = placed.layout, problem.camera.world_from_camera.translation
    translation, scale = old.translation.clone(), old.scale.clone()
    for k, start in enumerate(problem.starts):
        if start.translation is not None:
            translation[k] = start.translation
        if start.scale is not None:
            scale[k] = start.scale
    started = replace(placed, layout=Similarity(old.wxyz, translation, scale))
    if "translation" not in free or not any(_is_given(start) for start in problem.starts):
        return started
    covered = look(problem, started, view, render).layers.covered
    for k in range(len(scale)):
        if covered[k].sum() < SEEN * view.masks[k].sum():
            factor = 1.0 if "scale" in free else (scale[k] / old.scale[k]).item()
            translation[k] = eye + factor * (old.translation[k] - eye)
            scale[k] = factor * old.scale[k]
    return replace(placed, layout=Similarity(old.wxyz, translation, scale))


def _is_given(start: Start) -> bool:
    return start.translation is not None or start.scale is not None
