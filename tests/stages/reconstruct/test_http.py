"""A service on this machine that answers well, badly, slowly, endlessly, or not at all."""

import base64
import io
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from reparo.errors import BackendFailed, InputError
from reparo.scene import Cutout
from reparo.stages.reconstruct.http import HttpReconstructor

BOX = trimesh.creation.box((1, 2, 3)).export(file_type="glb")


class Service(ThreadingHTTPServer):
    """Answers one request after the other with what `answers` lists; the last one ever after."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = [(200, {}, BOX)]
        self.asked = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/make"

    def handle_error(self, request, client_address):
        """Says nothing of clients that hang up."""


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers), body))
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            return answer(self)
        code, headers, data = answer
        self.send_response(code)
        for key, value in ({"Content-Length": str(len(data))} | headers).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Quiet."""


def drips(handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b"glTF")
        handler.wfile.flush()
        time.sleep(0.05)


def never_ends(handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(64):
        handler.wfile.write(bytes(1 << 20))


def hangs_up(handler) -> None:
    handler.connection.close()


@pytest.fixture
def service(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Service()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ask(service, cutout):
    def run(**settings):
        settings = {"url": service.url, "seconds": 10.0} | settings
        return HttpReconstructor(**settings)(cutout, "chair")

    return run


@pytest.fixture
def cutout() -> Cutout:
    rgba = torch.zeros(8, 8, 4)
    rgba[2:6, 3:5] = torch.tensor([1.0, 0.5, 0.0, 1.0])
    return Cutout(rgba, rgba[..., 3] > 0, torch.eye(2, 3))


def test_a_png_goes_out_and_its_mesh_comes_back_in_the_unit_box(ask, service):
    mesh = ask(up="+z", front="-y")
    torch.testing.assert_close(mesh.bounds[1], torch.tensor([1.0, 3, 2]) / 6)
    ((path, headers, body),) = service.asked
    assert path == "/make" and headers["Content-Type"] == "image/png"
    assert "Authorization" not in headers
    assert np.asarray(Image.open(io.BytesIO(body)))[3, 3].tolist() == [255, 128, 0, 255]


def test_a_picture_in_json_and_a_token_from_the_environment(ask, service, monkeypatch):
    monkeypatch.setenv("SERVICE_TOKEN", "secret")
    ask(json_field="image", json_more={"texture": True}, token_variable="SERVICE_TOKEN")
    ((_, headers, body),) = service.asked
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body)["texture"] is True
    picture = base64.b64decode(json.loads(body)["image"])
    assert Image.open(io.BytesIO(picture)).size == (8, 8)


ANSWERS = {
    "500": ((500, {}, b"Traceback: no\nsuch layer"), "500 .*: Traceback: no such layer"),
    "404": ((404, {}, b""), "404 .*no reason given"),
    "elsewhere": ((302, {"Location": "http://127.0.0.1:9/x"}, b""), "name http://127.0.0.1:9/x"),
    "html": ((200, {}, b"<html>Welcome"), "no GLB for 'chair', but 13 bytes: '<html>Welcome'"),
    "nothing": ((200, {}, b""), "no GLB for 'chair', but 0 bytes"),
    "a cut mesh": ((200, {}, BOX[:300]), "cannot be read"),
    "less than announced": ((200, {"Content-Length": "99999"}, BOX), "gave no answer"),
    "hangs up": (hangs_up, "gave no answer"),
    "drips": (drips, "had no mesh of 'chair' within 0.5 s"),
    "never ends": (never_ends, "more than 8 MB"),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_what_is_no_mesh_is_said_and_never_asked_for_twice(ask, service, what):
    answer, why = ANSWERS[what]
    service.answers = [answer]
    seconds = 0.5 if what == "drips" else 10.0
    with pytest.raises((BackendFailed, InputError), match=why):
        ask(seconds=seconds, most_mb=8.0)
    assert len(service.asked) == 1


def test_a_service_that_hangs_is_left_after_its_time(ask, service):
    service.answers = [lambda handler: time.sleep(1.0)]
    with pytest.raises(BackendFailed, match=r"within 0\.3 s"):
        ask(seconds=0.3)
    assert len(service.asked) == 1


def test_a_service_that_is_busy_is_asked_again_when_it_says(ask, service, monkeypatch):
    waited = []
    monkeypatch.setattr("reparo.stages.reconstruct.http.time.sleep", waited.append)
    service.answers = [(503, {"Retry-After": "7"}, b""), (429, {}, b""), (200, {}, BOX)]
    assert len(ask().faces) == 12
    assert waited == [7.0, 2.0]


def test_a_service_that_stays_busy_is_given_up(ask, service, monkeypatch):
    monkeypatch.setattr("reparo.stages.reconstruct.http.time.sleep", lambda _: None)
    service.answers = [(503, {}, b"full")]
    with pytest.raises(BackendFailed, match=r"503 .*full"):
        ask(retries=1)
    assert len(service.asked) == 2


def test_a_service_that_is_not_there_is_asked_again_and_named(cutout, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    waited = []
    monkeypatch.setattr("reparo.stages.reconstruct.http.time.sleep", waited.append)
    with pytest.raises(BackendFailed, match="is the service running"):
        HttpReconstructor("http://127.0.0.1:9/make")(cutout, "chair")
    assert waited == [1.0, 1.0]


def test_a_token_that_is_not_set_is_asked_for(ask, service, monkeypatch):
    monkeypatch.delenv("SERVICE_TOKEN", raising=False)
    with pytest.raises(InputError, match="SERVICE_TOKEN"):
        ask(token_variable="SERVICE_TOKEN")
    assert not service.asked


@pytest.mark.parametrize("url", ["file:///etc/passwd", "localhost:8000", "ftp://a/b", ""])
def test_only_web_addresses_are_asked(url):
    with pytest.raises(InputError, match="http"):
        HttpReconstructor(url)
