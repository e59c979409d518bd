"""From a photo to a scene: the method, its steps as files, and the world it chooses."""

from reparo.pipeline.features import prepared
from reparo.pipeline.method import Job, Outcome, photo_to_scene, scene_of

__all__ = ["Job", "Outcome", "photo_to_scene", "prepared", "scene_of"]
