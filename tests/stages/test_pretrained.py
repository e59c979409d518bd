"""Loading networks from folders of the hub's layout: whole ones, and every way to be wrong."""

import json
import shutil
import socket
import weakref

import pytest
import torch

from reparo.errors import InputError, MissingWeights
from reparo.models import located
from reparo.stages.features.dinov2 import NETWORK
from reparo.stages.pretrained import Place, forget, load, only_one, read_config


@pytest.fixture
def folder(networks, tmp_path):
    """A folder to spoil."""
    return shutil.copytree(networks.dinov2, tmp_path / "dinov2")


def opened(folder, place=Place("cpu")):  # noqa: B008 - frozen
    _, table = read_config(folder, (NETWORK,))
    return load(folder, NETWORK, table, place)


def test_the_weights_are_the_file_s_frozen_and_in_the_wanted_numbers(folder):
    from safetensors.torch import load_file

    model = opened(folder)
    state, stored = model.state_dict(), load_file(folder / "model.safetensors")
    named = set(stored) & set(state)  # the library calls some by other names than the hub
    assert len(named) > len(stored) / 2
    assert all(torch.equal(state[name], stored[name]) for name in named)
    sums = [sorted(value.sum().item() for value in part.values()) for part in (stored, state)]
    assert sums[0] == sums[1]
    assert not any(weight.requires_grad for weight in model.parameters())
    assert not model.training
    assert opened(folder, Place("cpu", "bfloat16")).dtype == torch.bfloat16


def test_weights_in_several_files_are_put_together(folder):
    whole = opened(folder).state_dict()
    model = opened(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20kB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    assert all(
        torch.equal(value, whole[name]) for name, value in opened(folder).state_dict().items()
    )


def test_nothing_is_asked_of_the_network(folder, monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert opened(folder) is not None


def test_no_config(folder):
    (folder / "config.json").unlink()
    with pytest.raises(InputError, match=r"facebook/dinov2-small was wanted.*no config\.json"):
        opened(folder)


def test_another_network(networks):
    with pytest.raises(InputError, match="model_type 'sam'"):
        opened(networks.sam)


def test_pickled_weights_are_not_read(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="pickled weights are not read"):
        opened(folder)


def test_a_cut_file(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(InputError, match="could not be read as a Dinov2Model"):
        opened(folder)


@pytest.mark.parametrize("name", ["mlp.fc1.weight", "attention.attention.query.weight"])
@pytest.mark.parametrize("how", ["lacking", "of another shape"])
def test_a_weight_that_is_not_there_is_not_made_up(folder, how, name):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    name = f"encoder.layer.1.{name}"
    if how == "lacking":
        del weights[name]
    else:
        weights[name] = weights[name][:-1].clone()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"lacks 1 weights|could not be read") as caught:
        opened(folder)
    assert "\n" not in str(caught.value)


def test_a_config_that_makes_no_sense(folder):
    table = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**table, "hidden_size": 7}))
    with pytest.raises(InputError) as caught:
        opened(folder)
    assert "\n" not in str(caught.value)


def test_float16_wants_a_gpu():
    with pytest.raises(InputError, match="float16 needs a GPU"):
        Place("cpu", "float16").chosen()


def test_weights_are_a_folder_or_a_known_name(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("REPARO_HOME", str(tmp_path))
    assert located(folder) == folder
    for name in ("dinov2-small", "no such network"):
        with pytest.raises(MissingWeights):
            located(name)


class Thing:
    """Stands in for a network."""


def test_one_network_is_kept_at_a_time_and_the_old_one_goes_before_the_new_one_comes():
    forget()
    first = only_one("first", Thing)
    assert only_one("first", Thing) is first
    gone = weakref.ref(first)
    del first
    alive = []
    only_one("second", lambda: alive.append(gone()) or Thing())
    assert alive == [None]
    gone = weakref.ref(only_one("second", Thing))
    forget()
    assert gone() is None
