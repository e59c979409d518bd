"""Whole or not at all, and nothing of the user's is ever replaced."""

import errno
import json

import pytest

from reparo.errors import InputError
from reparo.files.folder import is_scene, whole, whole_file

RESULT = json.dumps({"camera": {}, "method": "fast", "objects": []})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write_result(path, word):
    with whole(path) as folder:
        (folder / "layout.json").write_text(RESULT)
        (folder / word).write_text(word)


@pytest.mark.parametrize("where", ["out", "new/deep/out"])
def test_a_result_appears_whole(tmp_path, where):
    with whole(tmp_path / where) as folder:
        (folder / "layout.json").write_text(RESULT)
        assert not (tmp_path / where).exists()
    assert names(tmp_path / where) == ["layout.json"]
    assert names((tmp_path / where).parent) == ["out"]


def test_an_earlier_result_is_replaced_whole(tmp_path):
    write_result(tmp_path / "out", "first")
    write_result(tmp_path / "out", "second")
    assert names(tmp_path / "out") == ["layout.json", "second"]
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError, SystemExit])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_failure_leaves_what_was_there(tmp_path, failure, earlier):
    if earlier:
        write_result(tmp_path / "out", "first")
    with pytest.raises(failure), whole(tmp_path / "out") as folder:
        (folder / "layout.json").write_text("half")
        raise failure
    assert names(tmp_path) == (["out"] if earlier else [])
    if earlier:
        assert names(tmp_path / "out") == ["first", "layout.json"]


def test_a_failure_leaves_no_folder_that_was_not_there(tmp_path):
    (tmp_path / "old").mkdir()
    with pytest.raises(ValueError), whole(tmp_path / "old" / "new" / "out"):
        raise ValueError
    assert names(tmp_path / "old") == []


def test_an_empty_folder_may_be_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    write_result(tmp_path / "out", "first")
    assert names(tmp_path / "out") == ["first", "layout.json"]


@pytest.mark.parametrize("content", [None, "{}", "not JSON", "[]"])
def test_a_folder_of_other_things_is_never_replaced(tmp_path, content):
    """A layout.json of some other program does not make it ours."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    if content is not None:
        (tmp_path / "home" / "layout.json").write_text(content)
    with pytest.raises(InputError, match="other things"), whole(tmp_path / "home"):
        raise AssertionError("the block must not run")
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"


def test_a_file_is_no_output_folder(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="it is a file"), whole(tmp_path / "out"):
        pass
    with pytest.raises(InputError, match="cannot be written"), whole(tmp_path / "out" / "deeper"):
        pass


def test_what_was_read_is_not_replaced(tmp_path):
    write_result(tmp_path / "out", "first")
    (tmp_path / "out" / "scene").mkdir()
    inputs = [tmp_path / "out" / "scene"]
    with pytest.raises(InputError, match="lies in it"), whole(tmp_path / "out", inputs=inputs):
        pass
    assert (tmp_path / "out" / "first").exists()


def test_a_scene_folder_is_replaced_only_where_asked(tmp_path):
    (tmp_path / "scene").mkdir()
    text = json.dumps({"image": "image.png", "camera": {}, "objects": []})
    (tmp_path / "scene" / "scene.json").write_text(text)
    with pytest.raises(InputError, match="other things"), whole(tmp_path / "scene"):
        pass
    with whole(tmp_path / "scene", ours=is_scene) as folder:
        (folder / "new").write_text("")
    assert names(tmp_path / "scene") == ["new"]


def test_a_link_to_a_result_stays_a_link(tmp_path):
    write_result(tmp_path / "real", "first")
    (tmp_path / "out").symlink_to("real")
    write_result(tmp_path / "out", "second")
    assert (tmp_path / "out").is_symlink()
    assert names(tmp_path / "real") == ["layout.json", "second"]


def test_a_full_disk_is_said_in_a_sentence(tmp_path):
    with pytest.raises(InputError, match="disk is full"), whole(tmp_path / "out"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(InputError, match="disk is full"), whole(tmp_path / "out"):
        raise OSError("36864 requested and 20448 written")  # as numpy has it
    with pytest.raises(PermissionError), whole(tmp_path / "out"):
        raise PermissionError(errno.EACCES, "Permission denied")
    assert names(tmp_path) == []


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "deep" / "preview.png"
    with whole_file(path) as temporary:
        assert temporary.suffix == ".png"
        temporary.write_text("first")
    with pytest.raises(KeyboardInterrupt), whole_file(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "first"
    assert names(path.parent) == ["preview.png"]
    with pytest.raises(InputError, match=r"preview\.png cannot be written: Read-only"):
        with whole_file(path) as temporary:
            raise OSError(errno.EROFS, "Read-only file system", str(temporary))
    with pytest.raises(InputError, match="cannot be written: File exists"):
        with whole_file(path / "below.png") as temporary:
            temporary.write_text("first")
    with pytest.raises(PermissionError), whole_file(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "read"))
    with pytest.raises(InputError, match="disk is full"), whole_file(path):
        raise OSError(errno.ENOSPC, "No space left on device")
