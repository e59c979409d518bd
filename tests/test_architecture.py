"""The house's caps, held by a machine; and what importing costs."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import reparo

SOURCE = Path(reparo.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
MODEL_LIBRARIES = ("torch", "onnxruntime", "onnx", "trimesh", "skimage", "scipy", "transformers")
PUBLIC = ("run", "align", "align_folder", "export")  # each option by its name, so more than six


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def relative(file: Path) -> str:
    return str(file.relative_to(SOURCE))


@pytest.mark.parametrize("file", FILES, ids=relative)
def test_a_file_keeps_to_the_caps(file):
    """300 lines a file, 50 a function, 6 parameters, two packages deep (four in stages)."""
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 300
    depth = len(file.relative_to(SOURCE).parts) - 1
    assert depth <= (3 if file.is_relative_to(SOURCE / "stages") else 1)
    for function in functions(file):
        arguments = [*function.args.args, *function.args.kwonlyargs]
        own = [argument for argument in arguments if argument.arg not in ("self", "cls")]
        if function.name not in PUBLIC:
            length = (function.end_lineno or function.lineno) - function.lineno + 1
            assert length <= 50, f"{function.name} has {length} lines"
            assert len(own) <= 6, f"{function.name} has {len(own)} parameters"


@pytest.mark.parametrize("file", FILES, ids=relative)
def test_a_file_says_what_it_is_and_lets_types_be_checked(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "no docstring"
    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert "__future__" not in imported


@pytest.mark.parametrize("module", ["reparo", "reparo.cli", "reparo.cli.commands"])
def test_importing_costs_no_model_library(module):
    code = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & set(MODEL_LIBRARIES)


def test_the_library_itself_loads_no_network_runtime():
    code = "import reparo.api, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"onnxruntime", "onnx", "transformers", "diffusers", "torchvision"}
