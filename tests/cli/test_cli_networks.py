"""`reparo run` through networks of the hub's layout: all real classes and loading, tiny weights."""

import json

import pytest

from reparo.files.layout_json import read_layout

# where the objects end up is not looked at here
QUICK = [
    word
    for step in ("turn", "match", "polish", "settle")
    for word in ("--set", f"align.{step}=false")
]


@pytest.fixture
def run(reparo, photo, networks, tmp_path):
    """`reparo run` with SAM, Grounding DINO and Depth Anything, as a settings file names them."""
    config = tmp_path / "networks.toml"
    config.write_text(
        f"""
        [segment]
        use = "sam-hub"
        weights = '{networks.sam2}'
        detector = {{ weights = '{networks.grounding_dino}', threshold = 0.01 }}
        [depth]
        use = "depth-anything"
        weights = '{networks.depth}'
        """
    )

    def run(*options):
        return reparo("run", photo, "-o", tmp_path / "out", "--config", config, *QUICK, *options)

    return run


def test_text_finds_objects_and_the_network_s_depth_lays_them_out(run, tmp_path):
    code, _, error = run("--text", "chair . table lamp")
    assert code == 0, error
    names = read_layout(tmp_path / "out/layout.json").names
    assert names
    assert {name.rstrip("-0123456789") for name in names} <= {"chair", "table-lamp"}
    note = json.loads((tmp_path / "out/steps/2-depth/camera.json").read_text())
    assert note["kind"] == "disparity"
    scene = json.loads((tmp_path / "out/scene/scene.json").read_text())
    assert scene["depth"]["kind"] == "disparity"


def test_boxes_are_for_the_segmenter_that_is_chosen(run, photo, tmp_path):
    boxes = photo.parent / "boxes.json"
    boxes.write_text(json.dumps({"thing": [18, 14, 46, 38]}))
    code, _, error = run("--boxes", boxes)
    assert code == 0, error
    assert read_layout(tmp_path / "out/layout.json").names == ("thing",)


@pytest.mark.parametrize(
    "options, words",
    [
        (("--text", " . "), "chair . table lamp"),
        (("--text", "chair", "--set", "segment.detector.threshold=high"), "threshold"),
        (("--text", "chair", "--set", "segment.weights=/nowhere"), "/nowhere"),
        (("--text", "chair", "--set", "segment.precision=float8"), "float8"),
        (("--text", "chair", "--set", "segment.detector.wieghts=a"), "wieghts"),
    ],
)
def test_wrong_settings_of_networks_are_one_sentence(run, options, words):
    code, _, error = run(*options)
    assert code == 2
    assert words in error
    assert "Traceback" not in error


def test_the_paper_s_semantic_loss_sees_through_the_features_that_are_chosen(
    run, networks, photo, tmp_path
):
    paper = [
        word for key in ("steps=2", "match_size=8") for word in ("--set", f"align.paper.{key}")
    ]
    chosen = ("--set", "features.use=dinov2", "--set", f"features.weights={networks.dinov2}")
    code, _, error = run("--masks", photo.parent / "masks", "--set", "align.method=paper",
                         *paper, *chosen)  # fmt: skip
    assert code == 0, error
    code, _, error = run("--masks", photo.parent / "masks", "--set", "align.method=paper",
                         *paper, "--set", "features.weights=/nowhere")  # fmt: skip
    assert code == 2
    assert "vit" in error and "weights" in error  # the packaged one, which has no such setting
