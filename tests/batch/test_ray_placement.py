"""How many workers each stage gets on which cluster: no Ray is needed for that."""

import pytest

from reparo.batch import How, ray_engine
from reparo.batch.plan import GIB
from reparo.batch.ray_engine import NEEDS, Cluster
from reparo.errors import MissingExtra


def test_without_gpus_each_core_does_whole_photos():
    placed = Cluster(16.0, 0.0, 64.0 * GIB).stations(None, 2 * GIB, 100)
    assert {name: count for name, (count, _) in placed.items()} == {"layout": 16}
    assert placed["layout"][1].gpu == 0


def test_memory_and_words_bound_the_workers():
    cluster = Cluster(16.0, 0.0, 8.0 * GIB)
    assert cluster.stations(None, 2 * GIB, 100)["layout"][0] == 4
    assert cluster.stations(2, 2 * GIB, 100)["layout"][0] == 2
    assert cluster.stations(None, 2 * GIB, 3)["layout"][0] == 3


@pytest.mark.parametrize("gpus, cpus", [(1, 16), (1, 2), (8, 64), (1000, 16000)])
def test_stages_with_networks_share_the_gpus_and_all_fits(gpus, cpus):
    placed = Cluster(float(cpus), float(gpus), 4.0 * cpus * GIB).stations(None, GIB, 10**6)
    assert list(placed) == list(NEEDS)
    assert sum(count * needs.gpu for count, needs in placed.values()) <= gpus
    assert sum(count * needs.cpus for count, needs in placed.values()) <= cpus + 1e-9
    assert placed["layout"][1].gpu == 0 and placed["layout"][0] >= gpus
    assert all(placed[stage][0] == gpus for stage in list(NEEDS)[:-1])


def test_a_gpu_holds_one_worker_of_each_stage():
    assert sum(needs.gpu for needs in NEEDS.values()) == pytest.approx(1)


def test_without_the_package_the_extra_is_named(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(ray_engine, "import_module", missing)
    engine = ray_engine.RayEngine({}, How("ray"), GIB)
    with pytest.raises(MissingExtra, match="reparo3d\\[ray\\]"):
        next(engine([], lambda task: None))
