"""Pulling from a hub is tried on a hub of our own on this machine; nothing leaves it."""

import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from fake_hub import COMMIT
from filelock import FileLock
from tiny_net import CONFIG, NET, SHA, SOURCE, WEIGHTS, names, pulled

from reparo import models
from reparo.errors import InputError, MissingWeights
from reparo.models import hub as protocol
from reparo.models import known, repositories


def test_pull_brings_the_wanted_files_alone_and_reports_up_to_the_end(hub):
    seen = []
    (folder,) = models.pull(["net"], lambda *step: seen.append(step))
    assert names(folder) == ["config.json", "model.safetensors", "pulled.json", "sub/more.json"]
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    total = len(CONFIG) + len(WEIGHTS) + 2
    assert seen[-1] == ("pull net", total, total)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert models.verify("net") is models.look("net") is models.State.READY
    assert models.located("net") == models.path("net") == folder


def test_a_folder_may_be_called_otherwise_here(hub, monkeypatch):
    renamed = replace(NET, source=replace(SOURCE, renamed=(("sub", "other"), ("model", "no"))))
    monkeypatch.setattr(known, "_read", lambda: (renamed,))
    folder = pulled()
    assert names(folder) == ["config.json", "model.safetensors", "other/more.json", "pulled.json"]
    assert models.verify("net") is models.State.READY


def test_a_second_pull_asks_nobody(hub):
    pulled()
    hub.asked.clear()
    pulled()
    assert hub.asked == []


def test_half_a_download_is_kept_said_to_be_damaged_and_gone_on_with(hub):
    hub.breaks_after = 4000
    with pytest.raises(MissingWeights, match=r"could not be reached for owner/net .*is kept"):
        pulled()
    assert models.verify("net") is models.State.DAMAGED
    with pytest.raises(MissingWeights, match="reparo models pull net"):
        models.located("net")
    hub.breaks_after = None
    hub.asked.clear()
    folder = pulled()
    spans = {path.rpartition("/")[2]: span for path, span, _ in hub.asked if "elsewhere" in path}
    assert spans == {"model.safetensors": "bytes=4000-"}
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert models.verify("net") is models.State.READY
    assert names(folder) == ["config.json", "model.safetensors", "pulled.json", "sub/more.json"]


def test_a_line_that_breaks_once_is_taken_up_again_in_the_same_pull(hub, monkeypatch):
    hub.breaks_after = 4000
    more = protocol._more

    def mended(*arguments):
        done = more(*arguments)
        hub.breaks_after = None
        return done

    monkeypatch.setattr(protocol, "_more", mended)
    pulled()
    assert models.verify("net") is models.State.READY


def test_a_hub_that_does_not_know_ranges_gives_the_file_anew(hub):
    hub.breaks_after = 4000
    with pytest.raises(MissingWeights):
        pulled()
    hub.breaks_after, hub.without_ranges = None, True
    assert (pulled() / "model.safetensors").read_bytes() == WEIGHTS


def test_a_busy_hub_is_asked_again(hub):
    hub.busy = 3
    pulled()
    assert models.verify("net") is models.State.READY


@pytest.mark.parametrize("pinned", [False, True])
def test_a_wrong_hash_is_refused_and_not_kept(hub, monkeypatch, pinned):
    """Whether the hub tells another hash than its bytes have, or the manifest has another."""
    wrong = "ab" * 32
    if pinned:
        source = replace(SOURCE, sha256=(("config.json", wrong),))
        monkeypatch.setattr(known, "_read", lambda: (replace(NET, source=source),))
    else:
        hub.told["model.safetensors"] = wrong
    with pytest.raises(InputError, match=rf"should have sha256 {wrong}.*not kept"):
        pulled()
    assert models.verify("net") is not models.State.READY
    (folder,) = (models.home() / "models").iterdir()
    kept = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    assert (CONFIG if pinned else WEIGHTS) not in kept


def test_a_damaged_file_is_found_and_that_file_alone_pulled_again(hub):
    folder = pulled()
    (folder / "model.safetensors").write_bytes(WEIGHTS[::-1])
    assert models.look("net") is models.State.READY  # the size is right
    assert models.verify("net") is models.State.DAMAGED
    (folder / "model.safetensors").write_bytes(WEIGHTS[:-1])
    assert models.look("net") is models.State.DAMAGED
    pulled()
    assert models.verify("net") is models.State.READY


def test_large_files_that_are_whole_are_not_brought_twice(hub):
    hub.told["model.safetensors"] = SHA
    folder = pulled()
    (folder / "config.json").unlink()
    hub.asked.clear()
    pulled()
    assert not [path for path in hub.bodies() if path.endswith("safetensors")]
    assert models.verify("net") is models.State.READY


@pytest.mark.parametrize(("token", "words"), [(None, "no token was given"), ("mine", "no consent")])
def test_a_gated_repository_says_what_to_do(hub, monkeypatch, token, words):
    hub.gated_for = "another"
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(MissingWeights, match=rf"gated.*{words}.*/owner/net.*HF_TOKEN"):
        pulled()


def test_a_token_with_consent_is_let_in_and_never_sent_elsewhere(hub, monkeypatch):
    hub.gated_for = "mine"
    monkeypatch.setenv("HF_TOKEN", "mine")
    pulled()
    assert {token for path, _, token in hub.asked if "elsewhere" in path} == {None}
    assert {token for path, _, token in hub.asked if "elsewhere" not in path} == {"Bearer mine"}


def test_the_token_that_the_hubs_client_left_is_used(hub, monkeypatch, tmp_path):
    hub.gated_for = "left"
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    (tmp_path / "token").write_text("left\n")
    pulled()


def test_a_repository_that_is_gone_is_told(hub, monkeypatch):
    gone = replace(NET, source=replace(SOURCE, name="owner/gone"))
    monkeypatch.setattr(known, "_read", lambda: (gone,))
    with pytest.raises(MissingWeights, match=r"owner/gone.*no such repository.*weights = "):
        pulled()


def test_a_file_that_the_hub_lacks_is_told(hub):
    del hub.files["model.safetensors"]
    with pytest.raises(InputError, match=r"should have model\.safetensors"):
        pulled()


def test_a_hub_that_leaves_its_folder_is_refused(hub):
    hub.files["../config.json"] = b"{}"
    with pytest.raises(InputError, match="leaves its folder"):
        pulled()


def test_a_closed_port_is_one_sentence(no_network, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(MissingWeights, match=rf"127\.0\.0\.1:{port} could not be reached"):
        pulled()


def test_a_page_that_is_no_hub_is_one_sentence(hub, monkeypatch):
    monkeypatch.setattr(hub, "listing", lambda: {"hello": "world"})
    with pytest.raises(MissingWeights, match=r"siblings.*HF_ENDPOINT"):
        pulled()


def test_a_full_disk_is_told_before_and_while_it_happens(hub, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    with monkeypatch.context() as patched:
        patched.setattr(repositories.shutil, "disk_usage", lambda _: usage)
        with pytest.raises(MissingWeights, match=r"too full.*REPARO_HOME"):
            pulled()
    full = OSError(28, "No space left on device")

    def fails(*_):
        raise full

    monkeypatch.setattr(protocol, "_more", fails)
    with pytest.raises(MissingWeights, match="too full"):
        pulled()


def test_who_comes_second_waits_and_finds_it_whole(hub, no_network, caplog):
    (no_network / ".locks").mkdir(parents=True)
    lock = FileLock(no_network / ".locks/net")
    lock.acquire()
    with caplog.at_level(logging.INFO, "reparo"), ThreadPoolExecutor(1) as others:
        second = others.submit(pulled)
        while "waiting for it" not in caplog.text:
            time.sleep(0.01)
        lock.release()
        folder = second.result()
    assert models.path("net") == folder


def test_the_hub_of_these_tests_is_one_to_the_hubs_own_client(hub, tmp_path):
    """So what is proven here is the protocol, and not what we think it is."""
    client = pytest.importorskip("huggingface_hub", reason="comes with the extra `paper`")
    api = client.HfApi(endpoint=hub.url, token=False)
    info = api.model_info("owner/net", revision="main", files_metadata=True)
    told = {file.rfilename: file for file in info.siblings}
    assert info.sha == COMMIT and told["model.safetensors"].lfs.sha256 == SHA
    ours = pulled()
    for name in ("config.json", "model.safetensors"):
        theirs = api.hf_hub_download(
            "owner/net", name, revision=COMMIT, local_dir=tmp_path / "theirs"
        )
        assert Path(theirs).read_bytes() == (ours / name).read_bytes()
    hub.gated_for = "another"
    with pytest.raises(client.errors.GatedRepoError):
        api.hf_hub_download("owner/net", "config.json", revision=COMMIT, local_dir=tmp_path)


def test_remove_takes_halves_too(hub):
    hub.breaks_after = 4000
    with pytest.raises(MissingWeights):
        pulled()
    assert models.remove("net")
    assert models.verify("net") is models.State.MISSING
