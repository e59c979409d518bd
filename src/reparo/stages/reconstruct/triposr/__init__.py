"""TripoSR (Tochilkin et al. 2024, arXiv 2403.02151) in plain torch; reads the official checkpoint.

A picture becomes image tokens, the tokens three feature planes, and the planes, asked at a point,
density and colour. Checked against the original implementation's outputs with random weights;
never run with the trained ones.
"""

from reparo.stages.reconstruct.triposr.checkpoint import load
from reparo.stages.reconstruct.triposr.model import TripoSr

__all__ = ["TripoSr", "load"]
