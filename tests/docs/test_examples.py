"""The examples of docs/api.md, run as they stand, in their order."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import reparo

PAGE = Path(__file__).parents[2] / "docs/api.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_examples_run(tmp_path):
    """As a program of its own, as users have it; its line numbers are the page's."""
    page, program = PAGE.read_text(encoding="utf-8"), ""
    blocks = list(BLOCK.finditer(page))
    assert len(blocks) >= 8
    for block in blocks:
        above = page[: block.start(1)].count("\n")
        program += "\n" * (above - program.count("\n")) + block[1]
    (tmp_path / "api.py").write_text(program)
    command = [sys.executable, "-W", "error", "api.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "red stands at" in done.stdout and "missing.png" in done.stdout


@pytest.mark.parametrize("verb", ["run", "align", "align_folder", "export"])
def test_each_parameter_stands_on_the_page(verb):
    page = PAGE.read_text(encoding="utf-8").partition("## Reference")[2]
    for name in inspect.signature(getattr(reparo, verb)).parameters:
        assert f"`{name}`" in page, f"{verb}: {name}"
