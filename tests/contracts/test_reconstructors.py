"""What `contracts.Reconstructor` promises, asked of every installed backend."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import torch
import trimesh
from tiny_diffusion import write_shap_e
from tiny_triposr import write_ellipsoid

from reparo import contracts, registry
from reparo.errors import MissingExtra, MissingWeights
from reparo.scene import Cutout

BOX = trimesh.creation.box().export(file_type="glb")
COPY = "import shutil, sys; assert open(sys.argv[1], 'rb'); shutil.copy(sys.argv[2], sys.argv[3])"


class Service(BaseHTTPRequestHandler):
    """Takes any picture and answers a box."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(BOX)

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def service(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = HTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=registry.names("reconstruct"))
def reconstructor(request, tmp_path):
    (tmp_path / "thing.glb").write_bytes(BOX)
    box = str(tmp_path / "thing.glb")
    command = (sys.executable, "-S", "-c", COPY, "{cutout}", box, "{mesh}")
    settings = {"given": {"folder": tmp_path}, "command": {"command": command}}
    if request.param == "http":
        settings["http"] = {"url": request.getfixturevalue("service")}
    if request.param == "triposr":
        settings["triposr"] = {"weights": write_ellipsoid(tmp_path / "triposr"), "resolution": 32}
    if request.param == "shap-e":
        folder = write_shap_e(tmp_path / "shap-e")
        settings["shap-e"] = {"weights": folder, "steps": 2, "resolution": 32}
    try:
        return registry.create("reconstruct", request.param, **settings.get(request.param, {}))
    except (MissingWeights, MissingExtra) as error:
        pytest.skip(str(error))


def test_the_mesh_is_closed_and_about_the_unit_cube(reconstructor):
    assert isinstance(reconstructor, contracts.Reconstructor)
    visible = torch.zeros(40, 40, dtype=torch.bool)
    visible[5:35, 10:30] = True
    rgba = torch.cat([torch.rand(40, 40, 3), visible[..., None].double()], -1)
    placing = torch.tensor([[1.0, 0.0, 7.0], [0.0, 1.0, 3.0]])
    try:
        mesh = reconstructor(Cutout(rgba, visible, placing), "thing")
    except (MissingWeights, MissingExtra) as error:
        pytest.skip(str(error))
    closed = trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy(), process=False)
    closed.merge_vertices(merge_tex=True, merge_norm=True)
    assert closed.is_watertight
    assert closed.volume > 0  # counter-clockwise from outside
    assert 0.4 < float(mesh.bounds.abs().max()) < 1
    assert mesh.uv.shape == (len(mesh.vertices), 2)
