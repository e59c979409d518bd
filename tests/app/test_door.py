"""The page is for this machine and for who has the token; the websocket, too."""

import asyncio
import contextlib
import http.client
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest
from colour_network import photo_bytes

viser = pytest.importorskip("viser", reason="the extra `app` is not installed")
from websockets import Headers  # noqa: E402
from websockets.asyncio.client import connect  # noqa: E402
from websockets.exceptions import InvalidStatus  # noqa: E402
from websockets.http11 import Request  # noqa: E402

from reparo.app import door  # noqa: E402
from reparo.app.door import LOOPBACK, Guard, Server  # noqa: E402
from reparo.app.serve import App  # noqa: E402
from reparo.errors import InputError  # noqa: E402

HOST = f"{LOOPBACK}:8080"


@pytest.fixture
def guard():
    return Guard(lambda: "new")


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    app = App(tmp_path_factory.mktemp("sessions"), {"preset": "plain"})
    yield app
    app.stop()


def answer(guard, path, **headers):
    """The status, and where it sends one to; None: it may come in."""
    head = Headers({"Host": HOST} | {key.replace("_", "-"): one for key, one in headers.items()})
    said = guard.refused(Request(path, head))
    return said and (said.status_code, said.headers.get("Location"))


def get(app, path, **headers):
    place = urlsplit(app.server.address())
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
    for key, value in ({"Host": place.netloc} | headers).items():
        connection.putheader(key, value)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_each_door_has_its_own_token():
    tokens = {Guard(str).token for _ in range(50)}
    assert len(tokens) == 50 and min(map(len, tokens)) >= 32
    assert "token" not in repr(Guard(str))


def test_nobody_comes_in_without_the_token(guard):
    wrong = guard.token[:-1] + ("a" if guard.token[-1] != "a" else "b")
    for path in (
        "/",
        "",
        "/index.html",
        f"/{wrong}/s/",
        f"/{guard.token}x/s/",
        "/é/",
        "/\udcff",
        "*",
    ):
        assert answer(guard, path)[0] == 403
        assert answer(guard, path, Upgrade="websocket")[0] == 403
        assert answer(guard, f"{path}?token={guard.token}")[0] == 403


def test_with_it_one_comes_to_a_session(guard):
    token = guard.token
    assert answer(guard, f"/{token}") == answer(guard, f"/{token}/") == (302, f"/{token}/new/")
    assert answer(guard, f"/{token}/s-1") == (302, f"/{token}/s-1/")
    assert answer(guard, f"/{token}/s-1/") is None
    assert answer(guard, f"/{token}/s-1", Upgrade="websocket") is None
    for name in ("..", "%2e%2e", "A", "-a", "a" * 99):
        assert answer(guard, f"/{token}/{name}/") == (404, None)
        assert answer(guard, f"/{token}/{name}", Upgrade="websocket") == (404, None)


def test_neither_another_page_nor_another_name_comes_in(guard):
    path = f"/{guard.token}/s-1"
    for origin in ("http://evil.example", "null", "http://localhost:1", f"https://{HOST}"):
        assert answer(guard, path, Upgrade="websocket", Origin=origin)[0] == 403
    assert answer(guard, path, Upgrade="websocket", Origin=f"http://{HOST}") is None
    for host in ("evil.example:8080", "127.0.0.1.evil.example:8080", "0.0.0.0:8080", ""):
        head = Headers({"Host": host})
        assert guard.refused(Request(path, head)).status_code == 403


def test_the_server_listens_on_this_machine_alone_and_asks_the_guard(app):
    assert app.server.get_host() == LOOPBACK
    assert get(app, "/")[0].status == 403
    token = app.server.guard.token
    assert get(app, f"/{token}/a/../../../etc/passwd")[0].status == 404
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        response, body = get(app, f"/{token}/s-1/", **headers)
        assert response.status == 200 and b"<title>Reparo</title>" in body
    assert b"Viser</title>" not in body
    assert response.headers["Referrer-Policy"] == "no-referrer"
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'") and "*" not in policy


def test_the_websocket_needs_the_token_too(app):
    place = urlsplit(app.server.address())

    async def status(path, origin=None):
        try:
            async with connect(
                f"ws://{place.netloc}{path}",
                origin=origin,
                subprotocols=[f"viser-v{viser.__version__}"],
                proxy=None,
            ):
                return 101
        except InvalidStatus as error:
            return error.response.status_code

    token = app.server.guard.token
    assert asyncio.run(status("/")) == asyncio.run(status("/wrong/s-1")) == 403
    assert asyncio.run(status(f"/{token}/s-1", "http://evil.example")) == 403
    assert asyncio.run(status(f"/{token}/s-1", f"http://{place.netloc}")) == 101


def test_a_server_that_nobody_guards_is_not_served(monkeypatch):
    """As if another version of viser began its server in another way."""
    monkeypatch.setattr(door, "_guarded", lambda guard: contextlib.nullcontext())
    with pytest.raises(RuntimeError, match="open to everyone"):
        Server(Guard(lambda: "s"), 0)


def test_viser_shares_nothing(app):
    assert app.server.request_share_url() is None


def test_a_photo_is_opened_in_a_session_of_its_own(app, tmp_path):
    (tmp_path / "room.png").write_bytes(photo_bytes())
    one, two = (app.address(tmp_path / "room.png") for _ in range(2))
    assert one != two and one.startswith(app.server.address())
    names = [urlsplit(address).path.split("/")[2] for address in (one, two)]
    assert {name for name, _ in app.sessions.earlier()} >= set(names)
    for wrong in (tmp_path / "none.png", tmp_path):
        with pytest.raises(InputError, match="no picture"):
            app.address(wrong)
    with pytest.raises(InputError, match="name"):
        app.sessions.get("../elsewhere")


def test_a_session_that_is_damaged_says_so_and_shows_the_way(app, monkeypatch):
    (app.sessions.root / "damaged").mkdir()
    (app.sessions.root / "damaged/session.json").write_text("{")
    monkeypatch.setattr(app.server, "session_of", lambda client: "damaged")
    client = Mock(spec=viser.ClientHandle)
    client.gui, client.client_id = Mock(), 77
    app._came(client)
    (words,) = client.gui.add_markdown.call_args.args
    assert "cannot be opened" in words and "JSON" in words and "](../)" in words
    assert 77 not in app.pages
