"""`reparo export`, and the options that `run` and `align` share with it."""

import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from reparo.cli.common import Common
from reparo.errors import InputError, ReparoError

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Dressing:
    """What an export does to the scene."""

    simplify: int | None = None
    """At most so many triangles an object in exports."""
    watertight: bool = False
    """Close the objects' holes in exports; a mesh that cannot be closed is refused."""
    backdrop: bool = False
    """Put the photo behind everything in exports, filling the camera's view."""
    ground_plane: bool = False
    """Put a square under the objects in exports, to catch their shadows."""
    unlit: bool = False
    """Show colours in exports as the photo has them, whatever the light."""

    def options(self) -> dict[str, Any]:
        """As the library names them."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Exporting:
    """What `run` and `align` write for other programs, into OUT/export."""

    export: str | None = None
    """Also write OUT/export in these formats: glb, obj, usda, usdz, urdf, mjcf, with commas."""
    dressing: Dressing = field(default_factory=Dressing)

    def check(self) -> None:
        """Before the work: known formats whose packages are here, options that have a use."""
        options = self.dressing.options()
        if self.export is None:
            asked = [name for name, value in options.items() if value not in (None, False)]
            if asked:
                flag = asked[0].replace("_", "-")
                raise InputError(
                    f"--{flag} is about exports, and none was asked for; add --export glb"
                )
            return
        from reparo.api.exporting import checked
        from reparo.files.staging import Dress

        checked(self.export, Dress(self.dressing.simplify))

    def options(self) -> dict[str, Any]:
        """As the library names them; empty where no export was asked for."""
        return {} if self.export is None else {"to": self.export, **self.dressing.options()}

    def write(self, result: Any, out: Path, progress: Any) -> list[Path]:
        """Exports a result; the files to open."""
        options = self.options()
        return result.export(out / "export", progress=progress, **options) if options else []


@dataclass(frozen=True, kw_only=True)
class Export:
    """Writes scenes that are there for other programs: glb, obj, usda, usdz, urdf, mjcf."""

    outs: tyro.conf.Positional[tuple[Path, ...]]
    """What run or align left; of several, what cannot be exported is left out."""
    to: str = "glb"
    """One format or several with commas: glb, obj, usda, usdz, urdf, mjcf."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Where to; if left out: export/ in the result's folder."""
    photo: Path | None = None
    """For the backdrop, where the folder does not hold the photo: after align."""
    dressing: Dressing = field(default_factory=Dressing)
    common: Common = field(default_factory=Common)

    def execute(self) -> None:
        """Writes them and prints the files to open."""
        if not self.outs:
            raise InputError("a folder that `reparo run` or `reparo align` left is wanted")
        if self.out is not None and len(self.outs) > 1:
            raise InputError("-o is for one result; several are exported into their own export/")
        self.common.check()
        with self.common.progress() as progress:
            from reparo.api.exporting import checked
            from reparo.files.staging import Dress

            checked(self.to, Dress(self.dressing.simplify))
            written = [path for one in self.outs for path in self._exported(one, progress)]
        if not written:
            raise InputError(f"none of these {len(self.outs)} could be exported; look at the paths")
        for path in written:
            print(path)

    def _exported(self, one: Path, progress: Any) -> list[Path]:
        """Of several, one that cannot be does not stop the others: a batch has failures."""
        from reparo import api

        options = self.dressing.options()
        try:
            return api.export(
                one, self.to, folder=self.out, photo=self.photo, progress=progress, **options
            )
        except ReparoError as error:
            if len(self.outs) == 1:
                raise
            log.warning("left out: %s", error)
            return []
