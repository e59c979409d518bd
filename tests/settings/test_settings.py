"""What is said later wins; what is wrong is refused with what is right."""

from dataclasses import replace
from pathlib import Path

import pytest

from reparo import settings
from reparo.errors import InputError, UnknownBackend


def load(*tables, config=None, **options):
    given = {"segment": {"use": "given", "folder": "masks"}}
    return settings.load("embedded", config, [given, *tables], **options)


def test_the_embedded_preset_names_backends_that_are_installed():
    found = settings.load("embedded")
    uses = [found.segment.use, found.depth.use, found.complete.use, found.reconstruct.use]
    assert uses == ["sam", "embedded", "embedded", "embedded"]
    assert found.align.method == "fast"


def test_what_is_said_later_wins(tmp_path):
    config = tmp_path / "mine.toml"
    config.write_text("[align]\nmatch_rounds = 3\npolish_rounds = 2\n[world]\npitch_deg = 30\n")
    found = load({"align": {"match_rounds": 5}}, config=config)
    assert found.align.match_rounds == 5
    assert found.align.polish_rounds == 2
    assert found.world.pitch_deg == 30.0


def test_another_backend_leaves_the_first_ones_fields_behind():
    found = settings.overlaid(
        {"depth": {"use": "ground", "reach": 9.0}}, {"depth": {"use": "given", "file": "z.npy"}}
    )
    assert found == {"depth": {"use": "given", "file": "z.npy"}}


def test_fields_of_the_same_backend_are_kept():
    found = settings.overlaid({"depth": {"use": "ground", "reach": 9.0}}, {"depth": {"far": 1}})
    assert found == {"depth": {"use": "ground", "reach": 9.0, "far": 1}}


@pytest.mark.parametrize(
    "text, table",
    [
        ("align.match_rounds=8", {"align": {"match_rounds": 8}}),
        ("align.free=['scale']", {"align": {"free": ["scale"]}}),
        ("depth.use=given", {"depth": {"use": "given"}}),
        ("depth.file=a dir/z.npy", {"depth": {"file": "a dir/z.npy"}}),
        ("align.terms.depth = 0.5", {"align": {"terms": {"depth": 0.5}}}),
    ],
)
def test_an_assignment_is_a_table(text, table):
    assert settings.assignment(text) == table


@pytest.mark.parametrize("text", ["align.seed", "seed=1", ".seed=1", "align.=1", "="])
def test_an_assignment_without_a_table_or_a_value_is_refused(text):
    with pytest.raises(InputError, match=r"table\.key=value"):
        settings.assignment(text)


@pytest.mark.parametrize(
    "table, message",
    [
        ({"aling": {}}, "'aling'; there are: segment, depth"),
        ({"align": {"sped": 1}}, "align has no setting 'sped'; it has: method, free"),
        ({"depth": {"use": "ground", "reech": 1}}, "has no setting 'reech'; it has: reach"),
        ({"depth": {"use": "given"}}, "needs the setting 'file'"),
        ({"depth": {"use": "ground", "reach": "far"}}, "a number, got 'far'"),
        ({"depth": {"note": "mine"}}, "has no setting 'note'; it has: size, most_unsure, device$"),
        ({"align": {"match_rounds": 2.5}}, "a whole number, got 2.5"),
        ({"align": {"match": 1}}, "true or false, got 1"),
        ({"align": {"free": "scale"}}, "a list, got 'scale'"),
        ({"align": {"method": "best"}}, "'best'"),
        ({"align": {"paper": {"semantics": 1}}}, "semantic"),
        ({"align": {"paper": {"cost": "cubes"}}}, "norms"),
        ({"align": 3}, "a table, got 3"),
        ({"depth": {"use": 3}}, "names a backend"),
        ({"world": {"fov_y_deg": 180}}, "between 0 and 180"),
        ({"world": {"fov_y_deg": float("nan")}}, "between 0 and 180"),
        ({"world": {"pitch_deg": 0}}, "between 0 and 90"),
        ({"world": {"ground": "floating"}}, "'common', 'supported'"),
        ({"world": {"height": ["chair", 0]}}, "above 0"),
    ],
)
def test_wrong_settings_are_refused_with_what_is_right(table, message):
    with pytest.raises(InputError, match=message):
        load(table)


def test_an_unknown_backend_is_refused_with_the_installed_ones():
    with pytest.raises(UnknownBackend, match="given, ground"):
        load({"depth": {"use": "sonar"}})


def test_an_unknown_preset_is_refused():
    with pytest.raises(InputError, match="embedded, paper, paper-dreamgaussian"):
        settings.load("best")


def test_the_paper_preset_is_the_papers_networks_and_its_method():
    chosen = settings.load("paper")
    assert [getattr(chosen, stage).use for stage in (*settings.STAGES, "features")] == [
        "sam-hub", "depth-anything", "inpaint", "triposr", "dinov2"
    ]  # fmt: skip
    assert chosen.align.method == "paper"


@pytest.mark.parametrize("name", settings.presets())
def test_every_preset_loads(name):
    assert settings.load(name).reconstruct.use


def test_the_papers_two_presets_differ_in_the_generator_alone():
    one, other = settings.load("paper"), settings.load("paper-dreamgaussian")
    assert other.reconstruct.use == "command"
    assert replace(other, reconstruct=one.reconstruct) == one


@pytest.mark.parametrize("content", [None, "[align", b"\xff\xfe"])
def test_a_config_that_cannot_be_read_is_refused(tmp_path, content):
    config = tmp_path / "c.toml"
    if content is not None:
        config.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=r"c\.toml"):
        load(config=config)


def test_the_seed_reaches_what_has_one_and_what_is_set_stays():
    assert load(seed=7).align.seed == 7
    assert load({"align": {"seed": 3}}, seed=7).align.seed == 3


def test_paths_in_settings_are_paths():
    assert load().segment.fields["folder"] == Path("masks")
