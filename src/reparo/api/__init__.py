"""`run` and `align` for other programs."""

from reparo.api.exporting import export
from reparo.api.many import prepare, run_up_to
from reparo.api.results import Reconstruction
from reparo.api.verbs import align, align_folder, run

__all__ = ["Reconstruction", "align", "align_folder", "export", "prepare", "run", "run_up_to"]
