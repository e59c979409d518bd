"""What `contracts.DepthEstimator` promises, asked of every installed backend."""

import numpy as np
import pytest
import torch

from reparo import contracts, registry
from reparo.errors import MissingExtra, MissingWeights
from reparo.scene import DEPTH_KINDS, Camera, Photo, Region, Similarity

SIZE = (48, 64)


@pytest.fixture(params=[*registry.names("depth"), "depth-anything, metric"])
def estimator(request, tmp_path):
    file = tmp_path / "depth.npy"
    np.save(file, np.linspace(1, 2, 48 * 64, dtype=np.float32).reshape(SIZE))
    name, _, metric = request.param.partition(", ")
    settings = {"given": {"file": file, "kind": "metric"}}
    if name == "depth-anything":  # tiny, random
        networks = request.getfixturevalue("networks")
        settings[name] = {"weights": networks.metric_depth if metric else networks.depth}
    try:
        return registry.create("depth", name, **settings.get(name, {}))
    except (MissingWeights, MissingExtra) as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("count", [0, 1])
def test_it_says_what_it_can_of_the_distance(estimator, count):
    assert isinstance(estimator, contracts.DepthEstimator)
    pose = Similarity(
        torch.tensor([1.0, 0.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]), torch.tensor(1.0)
    )
    visible = torch.zeros(SIZE, dtype=torch.bool)
    visible[20:40, 20:40] = True
    try:
        depth = estimator(
            Photo(torch.rand(*SIZE, 3)),
            Camera.from_fov(50.0, SIZE, pose),
            [Region("box", visible)] * count,
        )
    except (MissingWeights, MissingExtra) as error:
        pytest.skip(str(error))
    assert depth.kind in DEPTH_KINDS
    assert depth.known.any()
    assert depth.values[depth.known].isfinite().all()
    if depth.kind in ("metric", "scale"):
        assert (depth.values[depth.known] > 0).all()
