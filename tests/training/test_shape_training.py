"""Packed views, batches of them, and a few steps of the shape head's training."""

import numpy as np
import pytest
import torch

pytest.importorskip("embreex", reason="training needs embreex")
pytest.importorskip("igl", reason="training needs libigl")

from reparo.stages.reconstruct.shape_network import LARGER, LOCAL, SMALLER, ShapeHead, Size
from reparo.stages.vision.transformer import Transformer
from training import library
from training.shape import pack, train
from training.shape.measure import trained
from training.shape.split import is_held_out, is_watched
from training.shape.store import Views, recoloured, recolouring, roughly
from training.shape.views import Plan, make

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def single():
    """Tensors as trainings have them; elsewhere in the tests they are in double precision."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    yield
    torch.set_default_dtype(before)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Views of two made-up pieces and of what passes for four models, one of them watched."""
    torch.set_default_dtype(torch.float32)
    folder = tmp_path_factory.mktemp("shape")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack, "packaged", lambda _: Transformer(layers=12))
        plan = Plan(folder, folder, folder / "views", 2)
        plan.out.mkdir()
        for number in range(2):
            make(plan, f"built-{number:06d}")
        found = (f"model{number}" for number in range(999))
        learned = [name for name in found if not (is_held_out(name) or is_watched(name))][:3]
        watched = next(f"model{number}" for number in range(999) if is_watched(f"model{number}"))
        for name in (*learned, watched):
            content = (plan.out / "built-000000.npz").read_bytes()
            (plan.out / f"{name}.npz").write_bytes(content)
        pack.main(plan.out, folder / "packed", device="cpu")
    return folder / "packed"


def test_packing_keeps_each_view_with_its_owner(packed):
    names = (packed / "names.txt").read_text().split()
    owner = np.load(packed / "owner.npy")
    assert len(names) == 6 and owner.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    kept = np.load(packed.parent / "views" / f"{names[1]}.npz")
    for key in pack.KEYS:
        assert (np.load(packed / f"{key}.npy")[2:4] == kept[key]).all()


def test_what_is_watched_is_not_learned_from(packed):
    views = Views(packed, CPU)
    names = (packed / "names.txt").read_text().split()
    mine = [row for rows in views.watched for row in rows]
    assert [is_watched(names[row // 2]) for row in mine] == [True, True]
    drawn = views.drawn(np.random.default_rng(0), 300).tolist()
    assert not set(drawn) & set(mine)
    built = sum(names[row // 2].startswith("built") for row in drawn)
    assert built / 300 == pytest.approx(0.4, abs=0.1)


def test_a_mirrored_batch_is_mirrored_throughout(packed):
    views = Views(packed, CPU)
    rows = np.array([1, 3])
    straight, turned = (views.batch(rows, np.full(2, way)) for way in (False, True))
    assert torch.equal(turned.occupancy, straight.occupancy.flip(-1))
    assert torch.equal(turned.back, straight.back.flip(-1))
    torch.testing.assert_close(turned.rgba, straight.rgba.flip(-1), atol=1e-5, rtol=0)
    assert not torch.equal(turned.tokens, straight.tokens)
    assert torch.equal(turned.up * torch.tensor([-1.0, 1.0, 1.0]), straight.up)


def test_upright_is_learned_from_as_a_camera_knows_it():
    up = torch.tensor([[0.0, 0.8, 0.6]]).expand(4000, 3)
    rough = roughly(up, np.random.default_rng(0))
    known = rough.abs().sum(1) > 0
    assert float(known.float().mean()) == pytest.approx(0.8, abs=0.03)
    angle = torch.rad2deg(torch.acos((rough[known] * up[known]).sum(1).clamp(-1, 1)))
    assert 1 < float(angle.median()) < 4


def test_tokens_are_the_same_from_disk_and_as_they_come(packed, monkeypatch):
    network = Transformer(layers=12)
    monkeypatch.setattr(pack, "packaged", lambda _: network)
    pack.write_tokens(packed)
    views = Views(packed, CPU)
    rows, turned = np.array([0, 2]), np.array([True, False])
    stored = views.batch(rows, turned).tokens
    views._tokens, views._network = None, network
    torch.testing.assert_close(views.batch(rows, turned).tokens, stored, atol=0.05, rtol=0.05)


def test_other_colours_leave_the_outline(packed):
    rgba = Views(packed, CPU).batch(np.array([0, 1]), np.zeros(2, bool)).rgba
    other = recoloured(rgba, recolouring(np.random.default_rng(0), 2))
    assert torch.equal(other[:, 3], rgba[:, 3]) and not torch.equal(other, rgba)
    same = recoloured(rgba, np.tile(np.eye(3, dtype="f4"), (2, 1, 1)))
    torch.testing.assert_close(same, rgba)


def test_losses_and_overlap_know_the_truth(packed):
    part = Views(packed, CPU).batch(np.array([0, 1]), np.zeros(2, bool))
    inside, truth = train.rays(part)
    assert train.overlaps_of(18 * (truth >= 0.5) - 9.0, part) == [1, 1]
    real = ((truth >= 0.5) * inside[:, None]).sum((1, 2, 3)) / inside.sum((1, 2)) / 64
    assert train.overlaps_of(0 * truth, part) == pytest.approx(real.tolist())  # of all cells


def test_a_short_training_gives_a_file_that_loads(packed, tmp_path, capsys):
    course = train.Course(steps=3, batch=4, size="smaller", device="cpu")
    train.main(tmp_path, packed, course)
    head = trained(tmp_path / "shape.safetensors")
    assert Size.of(head.state_dict()) == SMALLER
    assert "watched" in (tmp_path / "log.txt").read_text()
    assert "built 2 (4 views)" in capsys.readouterr().out


def test_the_shipped_head_says_the_same_as_the_trained_one(packed, tmp_path):
    views, rows, straight = Views(packed, CPU), np.array([0, 2]), np.zeros(2, bool)
    head = train.started(
        train.Course(size="smaller", batch=2), views, np.random.default_rng(0), CPU
    )
    with torch.no_grad():
        head.whole.weight.mul_(3)
    train.save(head.eval(), views.projection, tmp_path / "shape.safetensors")
    part, network = views.batch(rows, straight), Transformer(layers=12)
    rgba = torch.from_numpy(np.load(packed / "rgba.npy")[rows]).movedim(-1, 1).float() / 255
    tokens = pack.tokens_of(network, rgba).float()
    with torch.no_grad():
        mine = head(views.projection(tokens), part.rgba, part.focal, part.up)
        theirs = trained(tmp_path / "shape.safetensors")(tokens, part.rgba, part.focal, part.up)
    assert mine.solid.std() > 0.1
    torch.testing.assert_close(theirs.solid, mine.solid, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("seed", [0, 1])
def test_learning_lowers_the_loss(packed, seed):
    torch.manual_seed(seed)
    views, rng = Views(packed, CPU), np.random.default_rng(seed)
    head = train.started(train.Course(size="local", batch=4), views, rng, CPU)
    optimiser = torch.optim.AdamW(head.parameters(), lr=1e-3)
    part = views.some(rng, 4)

    def loss() -> float:
        """Without forgetting, which is left to chance."""
        head.eval()
        with torch.no_grad():
            found = float(train.losses(head, part)[0].sum())
        head.train()
        return found

    before = loss()
    for _ in range(20):
        train.learn(head, part, optimiser)
    assert loss() < 0.95 * before


@pytest.mark.parametrize("size", [LOCAL, SMALLER, LARGER])
def test_each_size_is_told_by_its_weights_and_small_enough(size):
    state = ShapeHead(size.wide, size.fine, size.deep).state_dict()
    assert Size.of(state) == size
    assert sum(value.numel() for value in state.values()) * 2 < 9e6


def test_the_library_is_split_by_name_alone():
    names = [f"thing{number}" for number in range(2000)]
    held, watched = (
        {name for name in names if kind(name)} for kind in (library.is_held_out, is_watched)
    )
    assert not held & watched
    assert len(watched) / len(names) == pytest.approx(0.9 / 16, abs=0.02)
