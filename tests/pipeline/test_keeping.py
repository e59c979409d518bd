"""Networks go when their stage is over, or stay where there are more photos to come."""

import pytest

from reparo import models
from reparo.pipeline.objects import Worker
from reparo.settings import Choice
from reparo.stages import pretrained


class Network:
    closed = 0

    def close(self):
        self.closed += 1


@pytest.mark.parametrize("keep", [False, True])
def test_a_stage_that_is_over_lets_go_of_its_network_unless_it_is_to_stay(tmp_path, keep):
    network = Network()
    worker = Worker(Choice("depth", "ground"), lambda *_: None, tmp_path, backend=network)
    with models.keeping(keep):
        worker.close()
    assert network.closed == int(not keep)
    assert not models.kept()


@pytest.mark.parametrize("keep, made", [(False, "abab"), (True, "ab")])
def test_networks_of_all_stages_stay_only_where_they_are_to(keep, made):
    loaded = []
    pretrained.forget()
    with models.keeping(keep):
        for _ in range(2):
            for key in "ab":
                pretrained.only_one(key, lambda key=key: loaded.append(key))
    pretrained.forget()
    assert "".join(loaded) == made
