"""`run` and `align` for other programs."""

from reparo.api.exporting import export
from reparo.api.results import Reconstruction
from reparo.api.verbs import align, align_folder, prepare, run

__all__ = ["Reconstruction", "align", "align_folder", "export", "prepare", "run"]
