"""What works on this machine, what is missing, and the one command that brings it."""

import platform
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from reparo import models, registry, settings
from reparo.errors import ReparoError

OLDEST_PYTHON = (3, 11)
INSTALL = "pip install 'reparo3d[embedded]'"
EXTRAS = {  # what an extra is for; what presets need is told with them
    "app": "`reparo app`",
    "usd": "USD exports",
    "sim": "URDF and MJCF exports",
    "simplify": "--simplify",
    "ray": "`reparo batch --engine ray`",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    works: bool
    detail: str
    remedy: str = ""  # one command
    needed: bool = True  # False: something is lost without it, not all


def examine(config: Path | None = None) -> Iterator[Finding]:
    """Looks at everything, one thing after the other; also at what a settings file needs."""
    yield Finding(
        "python",
        sys.version_info >= OLDEST_PYTHON,
        f"{platform.python_version()} on {platform.platform()}",
        "install Python 3.11 or newer",
    )
    yield _torch()
    yield from _packages()
    yield from _extras()
    yield from _managers()
    yield from _backends()
    yield from _halves()
    for name in settings.presets():
        yield from _preset(name)
    if config is not None:
        yield from _preset("embedded", config)


def _torch() -> Finding:
    try:
        import torch
    except Exception as error:  # a broken installation fails in many ways
        return Finding("torch", False, str(error), INSTALL)
    devices = ["cpu"]
    if torch.cuda.is_available():
        devices.append(f"cuda ({torch.cuda.get_device_name()})")
    if torch.backends.mps.is_available():
        devices.append("mps")
    return Finding("torch", True, f"{torch.__version__}, devices: {', '.join(devices)}")


def _packages() -> Iterator[Finding]:
    for line in requires("reparo3d") or []:
        if _extra(line) not in (None, "embedded") or _name(line) == "torch":
            continue
        try:
            yield Finding(_name(line), True, version(_name(line)))
        except PackageNotFoundError:
            needed = _extra(line) is None
            yield Finding(_name(line), False, "not installed", INSTALL, needed=needed)


def _extras() -> Iterator[Finding]:
    """What more there is to install, and what for."""
    for extra, purpose in EXTRAS.items():
        names = [_name(line) for line in requires("reparo3d") or [] if _extra(line) == extra]
        lacking = [name for name in names if not _installed(name)]
        detail = f"for {purpose}" + (f"; not installed: {', '.join(lacking)}" if lacking else "")
        remedy = f"pip install 'reparo3d[{extra}]'"
        yield Finding(f"extra {extra}", not lacking, detail, remedy, needed=False)


def _extra(line: str) -> str | None:
    """The extra that a requirement belongs to."""
    found = re.search(r"""extra == ["']([^"']+)["']""", line)
    return found[1] if found else None


def _name(line: str) -> str:
    """The package that a requirement asks for."""
    return re.split(r"[^A-Za-z0-9._-]", line.strip())[0]


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _managers() -> Iterator[Finding]:
    npm = shutil.which("npm")
    yield Finding(
        "npm",
        npm is not None,
        npm or "not there: the segmentation network cannot be pulled; given masks work without",
        "install Node.js from your system's packages",
        needed=False,
    )
    pip = find_spec("pip") is not None
    yield Finding(
        "pip",
        pip,
        version("pip") if pip else "not there: the feature network cannot be pulled",
        f"{sys.executable} -m ensurepip",
        needed=False,
    )


def _backends() -> Iterator[Finding]:
    for stage in registry.STAGES:
        for name in registry.names(stage):
            try:
                registry.find(stage, name)
                yield Finding(f"{stage}: {name}", True, "importable", needed=False)
            except (ReparoError, ImportError) as error:
                yield Finding(f"{stage}: {name}", False, str(error), INSTALL, needed=False)


def _halves() -> Iterator[Finding]:
    for model in models.manifest():
        if models.look(model.name) is models.State.DAMAGED:
            command = f"reparo models pull {model.name}"
            yield Finding(f"network {model.name}", False, "not whole", command, needed=False)


def _preset(name: str, config: Path | None = None) -> Iterator[Finding]:
    """What a preset lacks here: packages, networks, licences to accept, programs."""
    what = f"preset {name}" if config is None else f"settings {config.name}"
    try:
        chosen = settings.load(name, config)
        stages = (*settings.STAGES, "features")
        values = [value for stage in stages for value in getattr(chosen, stage).values]
    except ReparoError as error:
        remedy = INSTALL if config is None else f"mend {config}"
        yield Finding(what, False, str(error), remedy, needed=False)
        return
    group = name if config is None else None
    wanted = [model for model in models.manifest() if model.group == group or model.name in values]
    with models.allowing(chosen.licences.accept):
        lacking = [*_lacking(wanted), *_programs(chosen.reconstruct)]
    if not lacking:
        yield Finding(what, True, "nothing is missing", needed=False)
    for detail, remedy in lacking:
        yield Finding(what, False, detail, remedy, needed=False)


def _lacking(wanted: Sequence[models.Model]) -> Iterator[tuple[str, str]]:
    """What these networks lack, and the command that brings it."""
    packages = {name for model in wanted for name in model.needs if find_spec(name) is None}
    if packages:
        extras = {model.extra for model in wanted if packages & set(model.needs)}
        remedy = f"pip install 'reparo3d[{','.join(sorted(extras))}]'"
        yield f"packages: {', '.join(sorted(packages))}", remedy
    for model in wanted:
        if not models.accepted(model):
            detail = f"licence of {model.name}: {model.licence}, {model.restricted}"
            yield detail, f"reparo run PHOTO -o OUT --accept-licence {model.licence}"
    missing = [model.name for model in wanted if models.look(model.name) is not models.State.READY]
    if missing:
        asked = {model.licence for model in wanted if not models.accepted(model)}
        options = "".join(f" --accept-licence {licence}" for licence in sorted(asked))
        yield f"networks: {', '.join(missing)}", f"reparo models pull {' '.join(missing)}{options}"


def _programs(choice: settings.Choice) -> Iterator[tuple[str, str]]:
    command = choice.fields.get("command")
    words = shlex.split(command) if isinstance(command, str) else list(command or ())
    if words and shutil.which(words[0]) is None:
        yield f"program: {words[0]}", f"install {words[0]}, or write its path into the settings"
    directory = choice.fields.get("directory")
    if words and isinstance(directory, str) and not Path(directory).is_dir():
        yield (
            f"directory: {directory}",
            "put the generator there, or write its path into the settings",
        )
