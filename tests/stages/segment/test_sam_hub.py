"""SAM and SAM 2.1 of the hub's layout, tiny and random, against the library's own way to ask."""

import json

import pytest
import torch

from reparo.errors import InputError, MissingWeights
from reparo.scene import Photo
from reparo.stages.pretrained import Place
from reparo.stages.segment.predictor import Predictor, View
from reparo.stages.segment.sam_hub import HubSamSegmenter
from reparo.stages.segment.sam_network import Frame, load_sam

CPU = Place("cpu")


def ramp(frame, axis):
    """Logits that say the frame pixel at which they are, along an axis."""
    places = (torch.arange(frame.low) + 0.5) * frame.side / frame.low
    return places.expand(frame.low, -1) if axis else places[:, None].expand(-1, frame.low)


@pytest.mark.parametrize("size", [(480, 640), (640, 480), (683, 1024), (200, 1000), (64, 64)])
@pytest.mark.parametrize("stretched", [False, True])
def test_answers_are_cut_to_the_picture_and_keep_their_place(size, stretched):
    """In the middle of an answer's pixel stands the frame's pixel that lies there."""
    frame = Frame.of(size, 1024, 256, stretched)
    rows, columns = frame.low_size
    # half of the largest pixel's side: the shape is kept as well as whole pixels can
    assert rows / columns == pytest.approx(size[0] / size[1], rel=0.5 / min(rows, columns))
    for axis, count in ((0, rows), (1, columns)):
        found = frame.cut(ramp(frame, axis)[None])[0]
        line = found[:, columns // 2] if axis == 0 else found[rows // 2]
        reach = frame.inner[axis]
        truth = ((torch.arange(count) + 0.5) / count * reach).clamp(2, 1022)
        torch.testing.assert_close(line, truth)


def test_the_frame_s_size_is_the_official_one():
    assert Frame.of((683, 1024), 1024, 256, False).inner == (683, 1024)
    assert Frame.of((600, 800), 1024, 256, False).inner == (768, 1024)
    assert Frame.of((600, 800), 1024, 256, False).low_size == (192, 256)
    assert Frame.of((600, 800), 1024, 256, True).inner == (1024, 1024)
    assert Frame.of((600, 800), 1024, 256, True).low_size == (256, 341)
    assert Frame.of((100, 8000), 1024, 256, True).low_size == (6, 512)


def test_points_count_from_the_first_pixel_s_centre_in_the_frame():
    padded, stretched = (Frame.of((300, 400), 1024, 256, way) for way in (False, True))
    points = [(0.5, 0.5), (400.0, 300.0)]
    torch.testing.assert_close(padded.points(points), torch.tensor([[0.78, 0.78], [1023.5, 767.5]]))
    torch.testing.assert_close(
        stretched.points(points), torch.tensor([[0.78, 1024 / 600 - 0.5], [1023.5, 1023.5]])
    )


@pytest.mark.parametrize("name, low", [("sam", 32), ("sam2", 16)])
@pytest.mark.parametrize("several", [False, True])
def test_points_are_asked_as_the_library_asks_them(networks, name, low, several):
    """On a picture of the frame's own size nothing is resampled, so all digits agree."""
    sam = load_sam(getattr(networks, name), CPU)
    rgb = torch.rand(64, 64, 3)
    picture = sam.seeing.resized(rgb.float(), (64, 64))
    with torch.no_grad():
        said = sam.model(
            pixel_values=picture,
            input_points=torch.tensor([[[[10.0, 40.0], [30.0, 5.0]]]]).float(),
            input_labels=torch.tensor([[[1, 0]]]),
            multimask_output=several,
        )
    answer = sam.look(rgb).ask_points([(10.5, 40.5), (30.5, 5.5)], [True, False])
    kept = slice(1, None) if several else slice(0, 1)
    assert answer.logits.shape == (4, low, low)
    torch.testing.assert_close(answer.logits[kept], said.pred_masks[0, 0])
    torch.testing.assert_close(answer.scores[kept], said.iou_scores[0, 0].clamp(0, 1))


@pytest.mark.parametrize("name", ["sam", "sam2"])
def test_boxes_are_asked_as_the_library_asks_them(networks, name):
    sam = load_sam(getattr(networks, name), CPU)
    rgb = torch.rand(64, 64, 3)
    with torch.no_grad():
        said = sam.model(
            pixel_values=sam.seeing.resized(rgb.float(), (64, 64)),
            input_boxes=torch.tensor([[[9.5, 19.5, 39.5, 59.5]]]).float(),
            multimask_output=True,
        )
    answer = sam.look(rgb).ask_box((10.0, 20.0, 40.0, 60.0))
    torch.testing.assert_close(answer.logits[1:], said.pred_masks[0, 0])


@pytest.mark.parametrize("name", ["sam", "sam2"])
@pytest.mark.parametrize("size", [(48, 64), (90, 60), (45, 90)])
def test_masks_are_those_of_the_official_way_through_the_frame(networks, name, size):
    """Officially logits go up to the frame, are cut, and go to the photo; ours go there at once."""
    from torch.nn.functional import interpolate, pad

    sam = load_sam(getattr(networks, name), CPU)
    rgb = torch.rand(*size, 3)
    view = sam.look(rgb)
    at = (size[1] / 3, size[0] / 2)
    answer = view.ask_points([at], [True])
    inner = view.frame.inner
    picture = sam.seeing.resized(rgb.float(), inner)
    with torch.no_grad():
        said = sam.model(
            pixel_values=pad(picture, (0, 64 - inner[1], 0, 64 - inner[0])),
            input_points=view.frame.points([at])[None, None].float(),
            multimask_output=True,
        ).pred_masks[0]
    frame = interpolate(said, (64, 64), mode="bilinear")[..., : inner[0], : inner[1]]
    theirs = interpolate(frame, size, mode="bilinear")[0]
    ours = interpolate(answer.logits[None, 1:], size, mode="bilinear")[0]
    gap = (ours - theirs).abs().mean() / theirs.std()
    assert gap < 0.35  # the logits are noise from pixel to pixel; shifted by one they are 1 apart
    shifted = theirs.roll((size[0] // 4, size[1] // 4), (1, 2))
    assert gap < 0.5 * (ours - shifted).abs().mean() / theirs.std()


@pytest.mark.parametrize("name", ["sam", "sam2"])
def test_it_keeps_the_contract_of_predictors_and_looks_at_any_size(networks, name):
    sam = load_sam(getattr(networks, name), CPU)
    assert isinstance(sam, Predictor)
    for size in ((1, 1), (5, 300), (700, 200)):
        view = sam.look(torch.rand(*size, 3))
        assert isinstance(view, View)
        answer = view.ask_box((0.0, 0.0, float(size[1]), float(size[0])))
        assert answer.logits.shape == (4, *view.low_size)
        assert answer.logits.isfinite().all()


def test_a_sam_2_folder_of_the_picture_network_alone_is_read_too(tmp_path):
    pytest.importorskip("transformers", reason="the extra `paper` is not installed")
    from tiny_networks import write_sam2

    sam = load_sam(write_sam2(tmp_path, video=False), CPU)
    assert sam.stretched
    assert sam.look(torch.rand(8, 9, 3)).low_size == (16, 18)


@pytest.mark.parametrize("name", ["sam", "sam2"])
def test_half_precision_says_about_the_same(networks, name):
    rgb = torch.rand(48, 64, 3)
    answers = []
    for precision in ("float32", "bfloat16"):
        view = load_sam(getattr(networks, name), Place("cpu", precision)).look(rgb)
        answers.append(view.ask_points([(20.0, 20.0)], [True]))
    exact, half = answers
    assert half.logits.dtype == torch.float32
    assert (exact.logits - half.logits).abs().mean() < 0.1 * exact.logits.std()


@pytest.mark.parametrize("name", ["sam", "sam2"])
def test_boxes_give_regions_of_the_photo_s_size(networks, name, tmp_path):
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps({"thing": [5, 5, 40, 30]}))
    told = []
    segmenter = HubSamSegmenter(
        weights=getattr(networks, name),
        boxes=path,
        device="cpu",
        progress=lambda *step: told.append(step),
    )
    (region,) = segmenter(Photo(torch.rand(48, 64, 3)))
    assert region.name == "thing"
    assert region.visible.shape == (48, 64)
    assert told[-1] == ("segment", 1, 1)


def test_weights_that_are_missing_and_folders_of_other_networks(networks, monkeypatch, tmp_path):
    monkeypatch.setenv("REPARO_HOME", str(tmp_path))
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps({"thing": [1, 1, 6, 6]}))
    photo = Photo(torch.rand(8, 8, 3))
    with pytest.raises(MissingWeights, match="sam-vit-base"):
        HubSamSegmenter(boxes=path)(photo)
    with pytest.raises(InputError, match=r"facebook/sam-vit-base or facebook/sam2\.1"):
        HubSamSegmenter(weights=networks.dinov2, boxes=path)(photo)


def test_the_same_segmenter_can_be_asked_of_another_picture(networks):
    """As inpainting does; what said where the photo's own objects are is left behind."""
    from reparo import registry
    from reparo.stages.complete.again import _backend

    table = {"use": "sam-hub", "weights": networks.sam, "text": "a", "detector": {"threshold": 0.5}}
    use, fields = _backend(table, "cpu")
    backend = registry.create("segment", use, **fields)
    assert backend == HubSamSegmenter(weights=networks.sam, device="cpu")
