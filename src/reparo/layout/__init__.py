"""Where the objects go: the heart."""

from reparo.layout.align import align
from reparo.layout.settings import AlignSettings

__all__ = ["AlignSettings", "align"]
