"""The method in its order: photo, objects, whole objects, meshes, their places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jaxtyping import Bool
from torch import Tensor

from reparo.contracts import Closeable, Renderer, Watch
from reparo.errors import InputError
from reparo.files.cutouts import outline_in_photo
from reparo.layout import align
from reparo.pipeline.features import prepared
from reparo.pipeline.steps import Job, complete, lay_out, look, reconstruct, scene_of, segment
from reparo.pipeline.world import facing_rotation, in_final_world, upright_rotation
from reparo.scene import Camera, Cutout, Depth, Mesh, Observation, Problem, Region, Solution, Start


@dataclass(frozen=True)
class Outcome:
    """A problem, its answer, and what is known beside."""

    problem: Problem
    solution: Solution
    full_masks: Mapping[str, Bool[Tensor, "h w"]] = field(default_factory=dict)  # hidden parts too
    assumed: tuple[str, ...] = ()  # what nobody said and nothing showed, in words
    notes: tuple[str, ...] = ()  # of objects that were left out or came out doubtful, in words


def photo_to_scene(job: Job, render: Renderer) -> Outcome:
    """One photo in, separate meshes in their places out; y up, the ground at y = 0."""
    regions = segment(job)
    height = _checked_height(job, regions)
    camera, depth, assumed = look(job, regions)
    cutouts = complete(job, regions, (camera, depth))
    meshes = reconstruct(job, cutouts.done)
    problem = _problem(job, regions, (camera, depth), cutouts.done, meshes.done)
    solution = lay_out(job, problem, lambda watch: _aligned(job, problem, render, watch))
    problem, solution = in_final_world(problem, solution, height)
    full_masks = {
        region.name: _full_mask(cutouts.done[region.name], region)
        for region in problem.observation.regions
    }
    notes = (*cutouts.notes, *meshes.notes)
    return Outcome(problem, solution, full_masks, tuple(assumed), notes)


def _aligned(job: Job, problem: Problem, render: Renderer, watch: Watch) -> Solution:
    chosen = job.settings
    there, features = prepared(problem, chosen.align, chosen.features, chosen.device)
    try:
        return align(there, chosen.align, render, job.progress, features, watch)
    finally:
        if isinstance(features, Closeable):
            features.close()


def _problem(
    job: Job,
    regions: Sequence[Region],
    seen: tuple[Camera, Depth],
    cutouts: Mapping[str, Cutout],
    meshes: Mapping[str, Mesh],
) -> Problem:
    """The objects that got this far; each starts turned as it was reconstructed."""
    camera, depth = seen
    kept = tuple(region for region in regions if region.name in meshes)
    # some generators' meshes stand upright, as in life; others' are as the cut-out shows them
    upright = getattr(job.settings.reconstruct.create(), "upright", False)
    rotation = upright_rotation if upright else facing_rotation
    return Problem(
        names=tuple(region.name for region in kept),
        meshes=tuple(meshes[region.name] for region in kept),
        camera=camera,
        observation=Observation(job.photo, kept, depth, job.settings.world.ground),
        starts=tuple(Start(rotation(camera, cutouts[region.name])) for region in kept),
    )


def _checked_height(job: Job, regions: Sequence[Region]) -> tuple[str, float] | None:
    height = job.settings.world.height
    names = [region.name for region in regions]
    if height and height[0] not in names:
        raise InputError(
            f"a height was given for {height[0]!r}, which is no object here; there are: "
            f"{', '.join(names)}"
        )
    return height


def _full_mask(cutout: Cutout, region: Region) -> Bool[Tensor, "h w"]:
    """The visible mask where nothing is hidden, else the whole outline."""
    invented = (cutout.rgba[..., 3] >= 0.5) & ~cutout.visible
    if not invented.any():
        return region.visible
    size = (region.visible.shape[0], region.visible.shape[1])
    return region.visible | outline_in_photo(cutout, size)


__all__ = ["Job", "Outcome", "photo_to_scene", "scene_of"]
