"""What works on this machine, what is missing, and the one command that brings it."""

import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

from reparo import models, registry
from reparo.errors import ReparoError

OLDEST_PYTHON = (3, 11)
INSTALL = "pip install 'reparo3d[embedded]'"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    works: bool
    detail: str
    remedy: str = ""  # one command
    needed: bool = True  # False: something is lost without it, not all


def examine() -> Iterator[Finding]:
    """Looks at everything, one thing after the other."""
    yield Finding(
        "python",
        sys.version_info >= OLDEST_PYTHON,
        f"{platform.python_version()} on {platform.platform()}",
        "install Python 3.11 or newer",
    )
    yield _torch()
    yield from _packages()
    yield from _managers()
    yield from _backends()
    yield from _networks()


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
        wanted, _, marker = line.partition(";")
        if 'extra == "embedded"' not in marker and marker.strip():
            continue
        name = re.split(r"[^A-Za-z0-9._-]", wanted.strip())[0]
        if name == "torch":
            continue
        try:
            yield Finding(name, True, version(name))
        except PackageNotFoundError:
            yield Finding(name, False, "not installed", INSTALL, needed=not marker)


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


def _networks() -> Iterator[Finding]:
    for model in models.manifest():
        state = models.verify(model.name)
        yield Finding(
            f"network {model.name}",
            state is models.State.READY,
            f"{state}; {model.purpose.partition(':')[0]}",
            f"reparo models pull {model.name}",
            needed=False,
        )
