"""Depth Anything V2 of the hub's layout, tiny and random: kinds, sizes, unknown pixels."""

import json
import shutil

import pytest
import torch
from PIL import Image

from reparo.errors import InputError, MissingWeights
from reparo.scene import Camera, Photo
from reparo.stages.depth.depth_anything import DepthAnything

SIZE = (48, 64)
CAMERA = Camera.from_fov(50.0, SIZE)


def photo(size=SIZE):
    return Photo((torch.rand(*size, 3) * 255).round() / 255)


def test_a_relative_network_gives_disparity_and_a_metric_one_metres(networks):
    near = DepthAnything(networks.depth, device="cpu")(photo(), CAMERA, [])
    far = DepthAnything(networks.metric_depth, device="cpu")(photo(), CAMERA, [])
    assert (near.kind, far.kind) == ("disparity", "metric")
    assert near.known.all() and far.known.all()
    assert near.values.std() > 0
    assert 0 < float(far.values.min()) and float(far.values.max()) <= 20  # its max_depth


@pytest.mark.parametrize("size", [(48, 64), (90, 50), (33, 100), (14, 14), (5, 9)])
def test_the_map_has_the_photo_s_size(networks, size):
    depth = DepthAnything(networks.depth, device="cpu")(photo(size), CAMERA, [])
    assert depth.values.shape == size
    assert depth.values.dtype == torch.get_default_dtype()


def test_it_says_what_the_library_says_of_the_official_processor_s_picture(networks):
    from transformers import DepthAnythingForDepthEstimation
    from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

    seen = photo((56, 84))  # of the network's own size: nothing is resampled
    official = DPTImageProcessorPil.from_pretrained(networks.depth)
    shown = official(Image.fromarray(seen.to_array()), return_tensors="pt")
    model = DepthAnythingForDepthEstimation.from_pretrained(networks.depth).float().eval()
    with torch.no_grad():
        theirs = model(**shown).predicted_depth[0]
    ours = DepthAnything(networks.depth, device="cpu")(seen, CAMERA, [])
    torch.testing.assert_close(ours.values, theirs.double(), atol=1e-4, rtol=1e-4)


def between_two(values: torch.Tensor) -> torch.Tensor:
    """A number near the median that is no value itself, so that rounding decides nothing."""
    low, high = values.flatten().unique()[values.numel() // 2 :][:2]
    return (low + high) / 2


def test_sky_and_what_is_out_of_reach_are_unknown(networks):
    seen = photo()
    every = DepthAnything(networks.depth, device="cpu")(seen, CAMERA, []).values
    share = float(between_two(every) / every.max())
    depth = DepthAnything(networks.depth, sky=share, device="cpu")(seen, CAMERA, [])
    assert torch.equal(depth.known, every > share * every.max())
    assert 0 < depth.known.sum() < depth.known.numel()
    metres = DepthAnything(networks.metric_depth, device="cpu")(seen, CAMERA, []).values
    reach = float(between_two(metres))
    depth = DepthAnything(networks.metric_depth, reach=reach, device="cpu")(seen, CAMERA, [])
    assert torch.equal(depth.known, metres < reach)


def test_the_setting_of_the_other_kind_is_refused(networks):
    with pytest.raises(InputError, match=r"depth\.reach does not belong to a relative network"):
        DepthAnything(networks.depth, reach=5.0, device="cpu")(photo(), CAMERA, [])
    with pytest.raises(InputError, match=r"depth\.sky does not belong to a metric network"):
        DepthAnything(networks.metric_depth, sky=0.1, device="cpu")(photo(), CAMERA, [])
    with pytest.raises(InputError, match="at least one known pixel"):
        DepthAnything(networks.metric_depth, reach=1e-6, device="cpu")(photo(), CAMERA, [])


def test_a_closer_look_sees_more(networks):
    seen = photo()
    maps = [
        DepthAnything(networks.depth, size, device="cpu")(seen, CAMERA, []) for size in (56, 98)
    ]
    assert not torch.equal(maps[0].values, maps[1].values)


def test_smaller_looks_are_less_close_until_none_is_left():
    sizes, one = [], DepthAnything()
    while one is not None:
        one = one.smaller()
        sizes.append(one and one.size)
    assert sizes == [345, 230, None]


def test_missing_and_other_folders(networks, monkeypatch, tmp_path):
    monkeypatch.setenv("REPARO_HOME", str(tmp_path))
    with pytest.raises(MissingWeights, match="depth-anything-v2-small"):
        DepthAnything()(photo(), CAMERA, [])
    with pytest.raises(InputError, match="Depth-Anything-V2-Small-hf was wanted"):
        DepthAnything(networks.sam)(photo(), CAMERA, [])
    folder = shutil.copytree(networks.depth, tmp_path / "depth")
    table = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps({**table, "size": "large"}))
    with pytest.raises(InputError, match=r"size\.height in pixels"):
        DepthAnything(folder, device="cpu")(photo(), CAMERA, [])


def test_half_precision_says_about_the_same(networks):
    seen = photo()
    exact, half = (
        DepthAnything(networks.metric_depth, device="cpu", precision=precision)(seen, CAMERA, [])
        for precision in ("float32", "bfloat16")
    )
    assert (exact.values - half.values).abs().mean() < 0.1 * exact.values.mean()
