"""A session with a photo open, and the network that answers its clicks."""

import pytest
from colour_network import ColourNetwork, photo_bytes

from reparo.app.session import Session


@pytest.fixture
def network():
    return ColourNetwork()


@pytest.fixture
def session(tmp_path, network):
    made = Session(tmp_path / "first", load=lambda: network)
    made.open_photo("Tidy room.png", photo_bytes())
    return made
