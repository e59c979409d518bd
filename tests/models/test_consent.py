"""Offline, licences that restrict use, and the note of what was used."""

import logging
from dataclasses import replace

import pytest
from fake_hub import COMMIT
from tiny_net import BOUND, NET, pulled

from reparo import models
from reparo.errors import LicenceNotAccepted, MissingWeights
from reparo.models import known


@pytest.mark.parametrize("said", ["REPARO_OFFLINE", "HF_HUB_OFFLINE", None])
def test_offline_asks_nobody(hub, monkeypatch, said):
    if said:
        monkeypatch.setenv(said, "1")
    with models.allowing(offline=not said), pytest.raises(MissingWeights, match="offline"):
        pulled()
    with models.allowing(offline=not said), pytest.raises(MissingWeights, match="switched off"):
        models.located("net")
    assert hub.asked == []


def test_what_is_there_is_used_offline(hub, monkeypatch):
    folder = pulled()
    monkeypatch.setenv("REPARO_OFFLINE", "1")
    assert models.located("net") == pulled() == folder


def test_a_licence_that_restricts_use_is_accepted_by_name_or_refused(hub, monkeypatch):
    monkeypatch.setattr(known, "_read", lambda: (BOUND,))
    with pytest.raises(LicenceNotAccepted, match=r"non-commercial.*--accept-licence CC-BY-NC-4\.0"):
        pulled()
    with models.allowing(["MIT"]), pytest.raises(LicenceNotAccepted):
        pulled()
    assert hub.asked == []
    with models.allowing(["cc-by-nc-4.0"]):
        folder = pulled()
        assert models.located("net") == folder
    with pytest.raises(LicenceNotAccepted):
        models.located("net")
    monkeypatch.setenv("REPARO_ACCEPT_LICENCE", "MIT, CC-BY-NC-4.0")
    assert models.located("net") == folder


def test_a_group_is_pulled_without_those_whose_licence_is_not_accepted(hub, monkeypatch, caplog):
    monkeypatch.setattr(known, "_read", lambda: (NET, replace(BOUND, name="bound")))
    with caplog.at_level(logging.WARNING, "reparo"):
        (folder,) = models.pull(["more"])
    assert folder == models.path("net")
    assert "bound is left out" in caplog.text


def test_what_is_used_is_noted_with_version_and_licence(hub, tmp_path):
    pulled()
    with models.noting() as used:
        models.located("net")
        models.located(tmp_path)
    assert used == {
        "net": {"from": "hub owner/net main", "version": COMMIT, "licence": "Apache-2.0"},
        str(tmp_path): {
            "from": f"the folder {tmp_path}",
            "version": "unknown",
            "licence": "unknown",
        },
    }
