"""Generators that crash, run out of memory or give rubbish: one object is lost, and it is said."""

import gc
import math
import weakref
from dataclasses import dataclass, field

import pytest
import torch

from reparo.errors import BackendFailed, InputError, MissingExtra, MissingWeights, OutOfMemory
from reparo.pipeline.objects import Worker, each, is_out_of_memory
from reparo.scene import Mesh
from reparo.settings import Choice


def too_much() -> RuntimeError:
    """What torch really raises on a CPU."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**62, dtype=torch.uint8)
    return caught.value


CORNERS = torch.eye(3, dtype=torch.float64)
FACES = torch.tensor([[0, 1, 2]])
RUBBISH = {
    "nothing": (None, "NoneType"),
    "no triangles": (Mesh.plain(CORNERS, FACES[:0]), "no triangles"),
    "nan": (Mesh.plain(CORNERS * math.nan, FACES), "not finite"),
    "infinite": (Mesh.plain(CORNERS * math.inf, FACES), "not finite"),
    "a point": (Mesh.plain(CORNERS * 0, FACES), "no area"),
    "a line": (Mesh.plain(torch.tensor([[0.0], [1], [2]]).expand(3, 3), FACES), "no area"),
    "far away": (Mesh.plain(CORNERS * 1e12, FACES), "further than"),
    "corners that are not there": (Mesh.plain(CORNERS, FACES + 7), "use vertices 0 to 2"),
}


@pytest.mark.parametrize(
    "error",
    [BackendFailed("it crashed"), ValueError("it crashed"), KeyError("it crashed")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("stage", ["complete", "reconstruct"])
def test_a_backend_that_raises_costs_that_object_alone(bench, stage, error):
    bench.fakes.broken[stage, "small"] = error
    outcome = bench.run()
    assert outcome.problem.names == ("big",)
    (note,) = outcome.notes
    assert note.startswith(f"small is left out, {stage} failed") and "it crashed" in note


@pytest.mark.parametrize("what", RUBBISH)
def test_rubbish_instead_of_a_mesh_costs_that_object_alone(bench, what):
    rubbish, why = RUBBISH[what]
    whole = bench.fakes.reconstruct
    bench.fakes.reconstruct = lambda cutout, name: rubbish if name == "big" else whole(cutout, name)
    kept = bench.meshes()
    assert tuple(kept.done) == ("small",)
    assert why in kept.notes[0] and "big is left out" in kept.notes[0]


def test_the_next_run_tries_again_only_what_failed(bench):
    bench.fakes.broken["reconstruct", "small"] = BackendFailed("it crashed")
    bench.meshes()
    bench.fakes.broken.clear()
    assert tuple(bench.meshes().done) == ("big", "small")
    assert bench.fakes.calls == {("reconstruct", "small"): 1}


@pytest.mark.parametrize("error", [MissingWeights("pull them"), MissingExtra("install it")])
def test_what_concerns_all_objects_is_raised_at_once(bench, error):
    bench.fakes.broken["reconstruct", "big"] = error
    with pytest.raises(type(error)):
        bench.meshes()
    assert ("reconstruct", "small") not in bench.fakes.calls


@pytest.mark.parametrize(
    "error, kind",
    [
        (BackendFailed("no"), BackendFailed),
        (MemoryError("no"), BackendFailed),
        (InputError("no"), InputError),
        (ValueError("no"), RuntimeError),  # a fault that nobody foresaw
    ],
)
def test_where_all_fail_one_sentence_says_why(bench, error, kind):
    for name in ("big", "small"):
        bench.fakes.broken["reconstruct", name] = error
    with pytest.raises(kind, match=r"no object is left, reconstruct failed for all: .*no"):
        bench.meshes()


def test_a_mesh_with_holes_is_used_and_said(bench):
    sheet = Mesh.plain(torch.tensor([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0, 0.5, 0.1]]), FACES)
    whole = bench.fakes.reconstruct
    bench.fakes.reconstruct = lambda cutout, name: sheet if name == "big" else whole(cutout, name)
    kept = bench.meshes()
    assert tuple(kept.done) == ("big", "small")
    assert kept.notes == ("not closed: big (3 open edges)",)
    assert bench.meshes().notes == kept.notes  # also where nothing is made anew


@dataclass
class Hungry:
    """Needs more memory than there is until it is small enough; counts what is held."""

    whole: object
    error: Exception
    size: int = 2
    fits: int = 1
    held: list = field(default_factory=list)
    closed: list = field(default_factory=list)

    def __call__(self, cutout, name):
        if name == "big" and self.size > self.fits:
            raise self.error
        self.held.append(self.size)
        return self.whole(cutout, name)

    def smaller(self):
        return Hungry(self.whole, self.error, self.size - 1, self.fits, self.held, self.closed)

    def close(self):
        self.closed.append(self.size)


OUT_OF_MEMORY = [
    MemoryError(),
    torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)"),
    OutOfMemory("the program said so"),
    too_much(),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: type(error).__name__)
def test_want_of_memory_is_known_on_every_device(error):
    assert is_out_of_memory(error)


def test_out_of_memory_is_tried_once_more_smaller_and_said_ever_after(bench):
    hungry = Hungry(bench.fakes.reconstruct, too_much())
    bench.fakes.reconstruct = hungry
    kept = bench.meshes()
    assert tuple(kept.done) == ("big", "small")
    assert hungry.held == [1, 2]  # the next object is tried in full again
    assert hungry.closed == [2, 1, 2]  # freed before the smaller one, after it, and at the end
    assert kept.notes == ("big was made with less detail, since memory ran out",)
    assert bench.meshes().notes == kept.notes


def test_out_of_memory_even_when_smaller_costs_that_object_alone(bench):
    hungry = Hungry(bench.fakes.reconstruct, MemoryError(), fits=0)
    bench.fakes.reconstruct = hungry
    kept = bench.meshes()
    assert tuple(kept.done) == ("small",)
    assert "even with less detail" in kept.notes[0]
    assert hungry.held == [2]


def test_out_of_memory_without_a_smaller_way_costs_that_object_alone(bench):
    bench.fakes.broken["reconstruct", "big"] = MemoryError("2 GB")
    kept = bench.meshes()
    assert tuple(kept.done) == ("small",) and "MemoryError: 2 GB" in kept.notes[0]


def test_other_runtime_errors_are_not_taken_for_want_of_memory():
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory lane"))


class Network:
    """Stands for weights."""


@dataclass
class Holder:
    """A backend that loads a network and keeps it until it is closed."""

    alive: list
    network: object = None

    def __call__(self):
        self.network = self.network or Network()
        self.alive.append(weakref.ref(self.network))
        raise MemoryError

    def close(self):
        self.network = None


@dataclass(frozen=True)
class HolderChoice(Choice):
    """Makes a `Holder`."""

    alive: list = field(default_factory=list)

    def create(self, progress=None, logs=None, note=None):
        return Holder(self.alive)


def test_a_stage_that_is_over_holds_no_network(tmp_path):
    choice = HolderChoice("reconstruct", "holder")
    with Worker(choice, lambda *_: None, tmp_path) as worker, pytest.raises(OutOfMemory):
        worker()
    gc.collect()
    assert len(choice.alive) == 1 and choice.alive[0]() is None


def test_a_backend_is_built_once_a_stage_and_only_if_it_is_needed(tmp_path):
    built = []

    @dataclass(frozen=True)
    class Counted(Choice):
        def create(self, progress=None, logs=None, note=None):
            built.append(logs)
            return lambda number: number + 1

    with Worker(Counted("reconstruct", "x"), lambda *_: None, tmp_path) as worker:
        assert not built
        done = each("count", {"a": 1, "b": 2}, worker, lambda *_: None).done
    assert done == {"a": 2, "b": 3}
    assert built == [tmp_path]
