"""One photo in; a scene of separate, complete, textured 3D objects out.

The library is `run`, `align`, `align_folder`, `export` and `Reconstruction`; they are loaded when
first used, so that importing this costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reparo.api import Reconstruction, align, align_folder, export, run

__all__ = ["Reconstruction", "align", "align_folder", "export", "run"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'reparo' has no attribute {name!r}")
    from reparo import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted(__all__)
