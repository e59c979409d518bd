"""A machine that has nothing, and a hub on it."""

import pytest
from fake_hub import FakeHub, serving
from tiny_net import FILES, NET

from reparo.models import hub as protocol
from reparo.models import known


@pytest.fixture
def no_network(tmp_path, monkeypatch):
    for name in ("REPARO_OFFLINE", "HF_HUB_OFFLINE", "REPARO_ACCEPT_LICENCE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REPARO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "no-token-here"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(known, "_read", lambda: (NET,))
    monkeypatch.setattr(protocol, "PAUSE", 0.0)
    return tmp_path / "home"


@pytest.fixture
def hub(no_network, monkeypatch):
    with serving(FakeHub(dict(FILES), large=("model.safetensors",))) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running
