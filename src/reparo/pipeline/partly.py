"""The method up to one of its steps: for those who do its steps in different places."""

from reparo.pipeline.steps import Job, complete, look, reconstruct, segment


def up_to(job: Job, last: str) -> None:
    """Leaves the results of all steps up to that one as files; those that hold are read back.

    `last`: segment, depth, complete or reconstruct.
    """
    regions = segment(job)
    if last == "segment":
        return
    camera, depth, _ = look(job, regions)
    if last == "depth":
        return
    cutouts = complete(job, regions, (camera, depth))
    if last == "reconstruct":
        reconstruct(job, cutouts.done)
