"""Hidden parts painted by a network: tiny ones with random weights, and stand-ins that know."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_diffusion import NATIVE, write_inpainting

from reparo import contracts, registry
from reparo.errors import BackendFailed, InputError, MissingWeights
from reparo.files.cutouts import outline_in_photo, read_cutout, write_cutout
from reparo.pipeline.objects import is_out_of_memory
from reparo.scene import Photo, Region, pixel_centres
from reparo.stages.complete import paint
from reparo.stages.complete.again import clicks, find_again
from reparo.stages.complete.canvas import GROUND, Canvas, in_photo, prepare
from reparo.stages.complete.cutout import core, make_cutout
from reparo.stages.complete.inpaint import InpaintCompleter
from reparo.stages.complete.symmetry import SymmetryCompleter

SIZE = (120, 160)
RED, BLUE, GREEN = torch.eye(3)[[0, 2, 1]]


def disc(x: float, y: float, radius: float) -> torch.Tensor:
    return (pixel_centres(SIZE) - torch.tensor([x, y])).norm(dim=-1) < radius


def scene() -> tuple[Photo, Region, Region, torch.Tensor]:
    """A red disc behind a green one, before blue, all a little noisy."""
    whole, hider = disc(70.0, 50.0, 35.0), disc(95.0, 80.0, 25.0)
    rgb = BLUE.expand(*SIZE, 3).clone()
    rgb[whole], rgb[hider] = RED, GREEN
    noisy = (0.9 * rgb + 0.1 * torch.rand(*SIZE, 3)) * 255
    photo = Photo.from_array(noisy.to(torch.uint8).numpy())
    return photo, Region("far", whole & ~hider), Region("near", hider), whole


def canvas_of_scene() -> Canvas:
    photo, far, near, _ = scene()
    canvas = prepare(photo, far.visible, near.visible)
    assert canvas is not None
    return canvas


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("networks")
    return {
        "sd": write_inpainting(root / "sd"),
        "half": write_inpainting(root / "half", half=True),
        "xl": write_inpainting(root / "xl", xl=True),
    }


class Painter:
    """Stands in for a pipeline: notes what it is given, and paints all of it in one colour."""

    def __init__(self, colour: torch.Tensor = RED):
        self.colour, self.given = colour, {}

    def __call__(self, **given):
        self.given = given
        height, width = given["height"], given["width"]
        return SimpleNamespace(
            images=self.colour.float()[None, :, None, None].expand(-1, -1, height, width)
        )


@pytest.fixture
def painter(monkeypatch):
    stand_in = Painter()
    monkeypatch.setattr(paint, "only_one", lambda key, make: stand_in)
    return stand_in


@dataclass(frozen=True)
class Finder:
    """Stands in for a segmenter: what is red, unless it shall find something else."""

    points: str | Path | None = None
    device: str = "auto"
    wrong: bool = False
    seen: ClassVar[list] = []

    def __call__(self, photo: Photo) -> list[Region]:
        self.seen.append((photo, Path(str(self.points)).read_text(), self.device))
        red = (photo.rgb - RED).norm(dim=-1) < 0.5
        return [Region("object", ~red if self.wrong else red)]


@pytest.fixture
def finder(monkeypatch):
    monkeypatch.setattr(registry, "find", lambda stage, name: Finder)
    Finder.seen.clear()
    return {"use": "finder", "points": "of-the-photo.json"}


def test_the_hole_covers_what_is_in_front_and_nothing_of_the_object():
    _, far, near, _ = scene()
    canvas = canvas_of_scene()
    hole = in_photo(canvas.hole[..., None].double(), canvas.square, SIZE)[..., 0] > 0.5
    assert hole[near.visible].all()
    assert not hole[core(far.visible)].any()
    assert int((hole & far.visible).sum()) < 0.1 * far.area  # of it, mixed edges alone


def test_around_the_object_all_is_plain():
    canvas = canvas_of_scene()
    assert (canvas.rgb[canvas.background] == GROUND).all()
    far_from_blue = canvas.rgb[..., 2].max() < 0.9
    assert far_from_blue  # of the photo's background nothing is left, nor of the hider
    assert canvas.rgb[canvas.hole][:, 1].max() < 0.3


def test_what_is_in_front_counts_near_the_object_alone():
    photo, _, _, _ = scene()
    thing = disc(40.0, 60.0, 10.0)
    assert prepare(photo, thing, disc(110.0, 60.0, 30.0)) is None
    canvas = prepare(photo, thing, ~thing)
    assert canvas is not None
    assert canvas.square.side < 4 * 20  # px: of an object 20 px wide


def test_the_network_is_given_the_hole_and_the_object_on_its_ground(painter):
    canvas = canvas_of_scene()
    photo, far, near, _ = scene()
    completer = InpaintCompleter(weights=Path(__file__).parent, size=64, seed=3, steps=7)
    completer(photo, Region("office-chair_2", far.visible), [near], None)
    mask, image = painter.given["mask_image"][0, 0], painter.given["image"][0]
    step = canvas.square.side / 64
    at = ((torch.arange(64) + 0.5) * step).long()
    assert (mask[canvas.hole[at][:, at]] == 1).all()
    inner = core(core(core(~canvas.hole)))[at][:, at]
    assert (mask[inner] == 0).all()
    torch.testing.assert_close(
        image.movedim(0, -1)[core(canvas.background)[at][:, at] & inner].double().mean(),
        torch.tensor(GROUND), atol=0.02, rtol=0,
    )  # fmt: skip
    assert "office chair" in painter.given["prompt"]
    assert painter.given["num_inference_steps"] == 7
    assert painter.given["generator"].initial_seed() == 3


def test_the_outline_is_found_again_and_its_hidden_part_painted(painter, finder):
    photo, far, near, _ = scene()
    completer = InpaintCompleter(weights=Path(__file__).parent, segmenter=finder, size=64)
    cutout = completer(photo, far, [near], None)
    hole = in_photo(canvas_of_scene().hole[..., None].double(), canvas_of_scene().square, SIZE)
    expected = far.visible | (hole[..., 0] > 0.5)  # the painter painted the whole hole red
    assert torch.equal(outline_in_photo(cutout, SIZE), expected)
    torch.testing.assert_close(
        cutout.rgba[cutout.invented][:, :3], RED.double().expand(int(cutout.invented.sum()), 3)
    )
    looked_at, clicked, device = Finder.seen[-1]
    side = canvas_of_scene().square.side
    assert looked_at.size == (side, side)
    assert "of-the-photo" not in clicked and clicked.count("[") >= 3
    assert device == "auto"


def test_what_is_painted_beside_the_object_does_not_become_it(painter, finder):
    painter.colour = GREEN  # the network paints something else: nothing red there
    photo, far, near, _ = scene()
    completer = InpaintCompleter(weights=Path(__file__).parent, segmenter=finder, size=64)
    cutout = completer(photo, far, [near], None)
    assert not cutout.invented.any()
    assert torch.equal(outline_in_photo(cutout, SIZE), far.visible)


def test_an_outline_that_is_not_found_again_goes_on_smoothly(painter, finder):
    photo, far, near, whole = scene()
    lost = InpaintCompleter(
        weights=Path(__file__).parent, segmenter={**finder, "wrong": True}, size=64
    )
    cutout = lost(photo, far, [near], None)
    outline = outline_in_photo(cutout, SIZE)
    assert (outline & whole).sum() / (outline | whole).sum() > 0.94
    unasked = InpaintCompleter(weights=Path(__file__).parent, size=64)(photo, far, [near], None)
    assert torch.equal(unasked.rgba, cutout.rgba)


def test_visible_pixels_are_the_photos_own(folders):
    photo, far, near, _ = scene()
    cutout = InpaintCompleter(weights=folders["sd"], steps=2)(photo, far, [near], None)
    alone = make_cutout(photo, far.visible, torch.zeros(*SIZE, 4), None)
    assert cutout.invented.any()
    assert torch.equal(cutout.rgba[cutout.visible], alone.rgba[alone.visible])
    assert (cutout.rgba[cutout.visible][:, 3] == 1).all()


def test_invented_is_what_was_completed_less_what_is_visible(folders, tmp_path):
    photo, far, near, _ = scene()
    cutout = InpaintCompleter(weights=folders["sd"], steps=2)(photo, far, [near], None)
    assert torch.equal(cutout.invented | cutout.visible, cutout.rgba[..., 3] > 0.5)
    assert not (cutout.invented & cutout.visible).any()
    write_cutout(tmp_path, "far", cutout)
    assert (tmp_path / "far.invented.png").is_file()
    assert torch.equal(read_cutout(tmp_path, "far").invented, cutout.invented)
    write_cutout(tmp_path, "far", make_cutout(photo, far.visible, torch.zeros(*SIZE, 4), None))
    assert not (tmp_path / "far.invented.png").exists()


def test_what_nothing_hides_is_left_alone_and_needs_no_network():
    photo, far, near, _ = scene()
    completer = InpaintCompleter(weights="/nowhere")
    cutout = completer(photo, near, [far], None)
    same = SymmetryCompleter()(photo, near, [far], None)
    assert torch.equal(cutout.rgba, same.rgba) and not cutout.invented.any()
    with pytest.raises(MissingWeights):
        completer(photo, far, [near], None)


@pytest.mark.parametrize("kind", ["sd", "half", "xl"])
def test_the_hole_is_painted_and_the_rest_stays(folders, kind):
    canvas = canvas_of_scene()
    done = []
    painting = paint.Painting("a cup", "text", 3, 7.5, 0.99, NATIVE, 0)
    network = (folders[kind], InpaintCompleter()._place())
    answer = paint.paint(
        canvas.rgb, canvas.hole, painting, network, lambda *step: done.append(step)
    )
    assert torch.equal(answer[~canvas.hole], canvas.rgb[~canvas.hole])
    assert not torch.equal(answer[canvas.hole], canvas.rgb[canvas.hole])
    assert ((answer >= 0) & (answer <= 1)).all()
    assert done == [(1, 2), (2, 2)]
    assert paint.native_size(folders[kind]) == NATIVE


def test_one_seed_is_one_picture(folders):
    photo, far, near, _ = scene()
    first, again, other = (
        InpaintCompleter(weights=folders["sd"], steps=2, seed=seed)(photo, far, [near], None)
        for seed in (5, 5, 6)
    )
    assert torch.equal(first.rgba, again.rgba)
    assert not torch.equal(first.rgba, other.rgba)


def test_with_less_memory_fewer_pixels_are_painted(folders):
    completer = InpaintCompleter(weights=folders["sd"], size=512)
    assert isinstance(completer, contracts.Shrinkable) and isinstance(
        completer, contracts.Closeable
    )
    sizes = []
    while completer is not None:
        sizes.append(completer.size)
        completer = completer.smaller()
    assert sizes == [512, 384, 256]
    assert InpaintCompleter(weights=folders["sd"]).smaller() is None  # its own size is tiny


def test_memory_that_runs_out_is_told_as_such(painter, monkeypatch):
    def full(**given):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 4 GiB")

    monkeypatch.setattr(paint, "only_one", lambda key, make: full)
    photo, far, near, _ = scene()
    with pytest.raises(Exception) as caught:
        InpaintCompleter(weights=Path(__file__).parent, size=64)(photo, far, [near], None)
    assert is_out_of_memory(caught.value)


def test_a_closed_network_loads_anew(folders):
    photo, far, near, _ = scene()
    completer = InpaintCompleter(weights=folders["sd"], steps=2)
    first = completer(photo, far, [near], None)
    completer.close()
    assert torch.equal(completer(photo, far, [near], None).rgba, first.rgba)


def test_numbers_beyond_half_precision_cost_one_object(painter):
    painter.colour = torch.tensor([torch.nan, 0.0, 0.0])
    photo, far, near, _ = scene()
    with pytest.raises(BackendFailed, match="float32"):
        InpaintCompleter(weights=Path(__file__).parent, size=64)(photo, far, [near], None)


def spoil(folder: Path, how: str) -> None:
    unet = folder / "unet" / "diffusion_pytorch_model.safetensors"
    if how == "no index":
        (folder / "model_index.json").unlink()
    elif how == "other class":
        index = (folder / "model_index.json").read_text()
        renamed = index.replace("StableDiffusionInpaintPipeline", "ShapEImg2ImgPipeline")
        (folder / "model_index.json").write_text(renamed)
    elif how == "pickled":
        unet.rename(unet.with_name("diffusion_pytorch_model.bin"))
    elif how == "cut":
        unet.write_bytes(unet.read_bytes()[:5000])
    elif how == "a weight is missing":
        weights = load_file(unet)
        save_file({key: weights[key] for key in sorted(weights)[1:]}, unet, {"format": "pt"})
    else:
        (folder / "unet" / "config.json").unlink()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("no index", "no model_index.json"),
        ("other class", "ShapEImg2ImgPipeline"),
        ("pickled", "safetensors"),
        ("cut", "bring the folder anew"),
        ("a weight is missing", "lacks 1 weights"),
        ("no configuration", "config.json"),
    ],
)
def test_a_folder_that_is_no_network_is_told_in_a_sentence(folders, tmp_path, how, says):
    import shutil

    folder = shutil.copytree(folders["sd"], tmp_path / "spoilt")
    spoil(folder, how)
    photo, far, near, _ = scene()
    with pytest.raises(InputError, match=says) as caught:
        InpaintCompleter(weights=folder, steps=2)(photo, far, [near], None)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "settings", [{"steps": 0}, {"strength": 0.0}, {"strength": 1.5}, {"size": 100}, {"size": -8}]
)
def test_settings_that_cannot_be_are_refused(folders, settings):
    photo, far, near, _ = scene()
    with pytest.raises(InputError, match="inpaint"):
        InpaintCompleter(weights=folders["sd"], **settings)(photo, far, [near], None)


def test_an_empty_mask_is_refused():
    photo, far, _, _ = scene()
    with pytest.raises(InputError, match="no pixel"):
        InpaintCompleter()(photo, Region("none", torch.zeros_like(far.visible)), [far], None)


def test_a_segmenter_must_take_points():
    canvas = canvas_of_scene()
    for table in ({"use": "given"}, {}):
        with pytest.raises(InputError, match="segmenter"):
            find_again(canvas.rgb, canvas.visible, table, "cpu")


def test_clicks_are_inside_deep_and_apart():
    _, far, _, _ = scene()
    points = clicks(far.visible)
    assert len(points) == 5
    assert all(far.visible[int(y), int(x)] for x, y in points)
    spread = torch.cdist(torch.tensor(points), torch.tensor(points)) + 1e3 * torch.eye(5)
    assert spread.min() > 8
    lone = torch.zeros(SIZE, dtype=torch.bool)
    lone[4, 9] = True
    assert clicks(lone) == [(9.5, 4.5)]


@pytest.mark.parametrize(
    ("name", "what"),
    [("office-chair_2", "office chair"), ("object-3", "object"), ("7", "7"), ("lamp", "lamp")],
)
def test_the_prompt_says_what_the_name_says(name, what):
    assert paint.noun(name) == what
