"""What a second run makes anew, and what an interrupted one leaves behind."""

import json
import shutil

import pytest
import torch
from PIL import Image

from reparo.errors import InputError
from reparo.files.images import read_mask, write_mask
from reparo.settings import WorldSettings

ALL = {
    ("segment", ""): 1,
    ("depth", ""): 1,
    ("complete", "big"): 1,
    ("complete", "small"): 1,
    ("reconstruct", "big"): 1,
    ("reconstruct", "small"): 1,
}


def folders(bench) -> set[str]:
    steps = bench.out / "steps"
    return {str(path.relative_to(steps)) for path in steps.rglob("*") if path.is_dir()}


def test_a_second_run_makes_nothing_anew_and_gives_the_same(bench):
    first = bench.run()
    assert bench.fakes.calls == ALL
    second = bench.run()
    assert not bench.fakes.calls
    torch.testing.assert_close(
        second.solution.layout.translation, first.solution.layout.translation
    )


def test_the_settings_of_the_world_are_noted_one_by_one(bench):
    """A report shows them to people who read no Python."""
    bench.run()
    note = json.loads((bench.out / "steps/2-depth/made-from.json").read_text())
    assert note["settings"]["world"]["usual_fov_y_deg"] == WorldSettings().usual_fov_y_deg


def test_the_first_result_is_what_its_files_say(bench):
    """Not what the backends handed over: else a resumed run could differ from the first one."""
    bench.run()
    kept = read_mask(bench.out / "steps/1-segment/big.png", (48, 64), "big")
    assert kept.sum() == 400


def test_a_changed_mask_makes_only_what_depends_on_it_anew(bench):
    bench.run()
    path = bench.out / "steps/1-segment/small.png"
    mask = read_mask(path, (48, 64), "small")
    mask[24:26] = False
    write_mask(path, mask)
    outcome = bench.run()
    assert ("segment", "") not in bench.fakes.calls
    assert ("complete", "small") in bench.fakes.calls
    assert ("reconstruct", "small") in bench.fakes.calls
    assert outcome.problem.observation.regions[1].area == mask.sum()


def test_a_mask_saved_again_with_the_same_pixels_in_other_bytes_runs_on_the_same_cutouts(bench):
    bench.run()
    path = bench.out / "steps/1-segment/small.png"
    Image.open(path).save(path, compress_level=0)
    bench.run()
    assert not any(stage in ("segment", "reconstruct") for stage, _ in bench.fakes.calls)


def test_a_deleted_step_is_made_anew_and_nothing_else_if_it_comes_out_the_same(bench):
    bench.run()
    shutil.rmtree(bench.out / "steps/4-reconstruct/big")
    bench.run()
    assert bench.fakes.calls == {("reconstruct", "big"): 1}


def test_other_settings_of_a_stage_run_it_and_what_follows_from_a_new_result(bench):
    bench.run()
    bench.fields["reconstruct"] = {"detail": 2}
    bench.run()
    assert bench.fakes.calls == {("reconstruct", "big"): 1, ("reconstruct", "small"): 1}


@pytest.mark.parametrize("fields", [{"device": "cuda"}, {"seconds": 3.0, "retries": 5}])
def test_where_and_how_patiently_is_no_part_of_what_a_result_was_made_from(bench, fields):
    bench.run()
    bench.fields["reconstruct"] = fields
    bench.run()
    assert not bench.fakes.calls


def test_what_was_changed_by_hand_is_kept_though_its_settings_change(bench):
    bench.run()
    path = bench.out / "steps/1-segment/small.png"
    mask = read_mask(path, (48, 64), "small")
    mask[24] = False
    write_mask(path, mask)
    bench.fields["segment"] = {"other": 1}
    bench.run()
    assert read_mask(path, (48, 64), "small").sum() == mask.sum()


def test_a_mask_that_a_person_adds_becomes_an_object(bench):
    bench.run()
    mask = torch.zeros(48, 64, dtype=torch.bool)
    mask[30:40, 30:40] = True
    write_mask(bench.out / "steps/1-segment/mine.png", mask)
    assert set(bench.run().problem.names) == {"big", "small", "mine"}


def test_results_of_an_object_that_is_gone_are_removed(bench):
    bench.run()
    (bench.out / "steps/1-segment/small.png").unlink()
    assert bench.run().problem.names == ("big",)
    assert "3-complete/small" not in folders(bench)


@pytest.mark.parametrize("stage, name", [("segment", ""), ("complete", "small"), ("depth", "")])
def test_ctrl_c_leaves_whole_results_only_and_the_next_run_goes_on(bench, stage, name):
    bench.fakes.broken[stage, name] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        bench.run()
    for folder in folders(bench):
        assert not folder.rpartition("/")[2].startswith(".")
    finished = {key for key in bench.fakes.calls if key != (stage, name)}
    bench.fakes.broken.clear()
    bench.run()
    assert set(bench.fakes.calls) == set(ALL) - finished


@pytest.mark.parametrize("note", ["[]", "{}", '{"ground": "x", "notes": []}', "not JSON"])
def test_a_note_that_a_person_spoilt_is_refused_by_name(bench, note):
    bench.run()
    (bench.out / "steps/5-layout/notes.json").write_text(note)
    with pytest.raises(InputError, match=r"notes\.json"):
        bench.run()


def test_an_object_that_fails_is_left_out_and_the_outcome_says_so(bench):
    bench.fakes.broken["reconstruct", "small"] = InputError("too small")
    outcome = bench.run()
    assert outcome.problem.names == ("big",)
    assert outcome.notes == ("small is left out, reconstruct failed: too small",)


def test_no_object_left_is_an_error_that_names_the_reason(bench):
    for name in ("big", "small"):
        bench.fakes.broken["complete", name] = InputError("nothing to see")
    with pytest.raises(InputError, match="nothing to see"):
        bench.run()
