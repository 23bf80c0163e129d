"""A shelf: whole or as it was, whatever happens in the middle, in a folder that can do next to nothing."""

import fcntl
import os

import pytest

from llmviz.runs import shelf as shelf_module
from llmviz.runs.shelf import Shelf, ShelfDamaged
from tests.runs.bucket import make_a_bucket_of


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    folder = tmp_path / "bucket"
    folder.mkdir()
    make_a_bucket_of(folder, monkeypatch)
    return folder


def files_of(tmp_path, **contents):
    """[(name, path)] of files with these contents."""
    folder = tmp_path / "local"
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [(name, folder / name) for name in contents]


def fetched(shelf: Shelf, tmp_path) -> dict[str, bytes]:
    into = tmp_path / f"fetched-{len(os.listdir(tmp_path))}"
    into.mkdir()
    shelf.fetch(into, lambda name: True)
    return {
        path.relative_to(into).as_posix(): path.read_bytes() for path in into.rglob("*") if path.is_file()
    }


def test_the_bucket_of_these_tests_refuses_what_a_bucket_refuses(bucket):
    (bucket / "a").write_bytes(b"whole")
    for wish in (
        lambda: (bucket / "a").open("ab"),
        lambda: (bucket / "a").open("r+b"),
        lambda: (bucket / "a").rename(bucket / "b"),
        lambda: os.replace(bucket / "a", bucket / "b"),
        lambda: (bucket / "a").write_bytes(b"again"),
        lambda: fcntl.flock(os.open(bucket / "a", os.O_RDONLY), fcntl.LOCK_EX),
    ):
        with pytest.raises(OSError, match="a bucket does not"):
            wish()


def test_what_is_stored_comes_back_and_what_is_not_named_any_more_goes(bucket, tmp_path):
    shelf = Shelf(bucket / "run")
    assert shelf.store(files_of(tmp_path, a=b"one", b=b"two"), lambda: True)
    assert fetched(Shelf(bucket / "run"), tmp_path) == {"a": b"one", "b": b"two"}
    assert shelf.store(files_of(tmp_path, a=b"one and more"), lambda: True)
    assert fetched(Shelf(bucket / "run"), tmp_path) == {"a": b"one and more"}
    assert len(os.listdir(bucket / "run")) == 2  # the content and one manifest
    shelf.remove()
    assert not (bucket / "run").exists()


def test_what_has_not_changed_is_not_written_again(bucket, tmp_path, monkeypatch):
    shelf = Shelf(bucket / "run")
    shelf.store(files_of(tmp_path, a=b"one", b=b"two"), lambda: True)
    written = []
    write = shelf_module._write
    monkeypatch.setattr(
        shelf_module, "_write", lambda path, content: (written.append(path), write(path, content))
    )
    shelf.store([(name, tmp_path / "local" / name) for name in "ab"], lambda: True)
    assert written == []
    shelf.store(files_of(tmp_path, a=b"one", b=b"new"), lambda: True)
    assert len(written) == 2  # b and the manifest


@pytest.mark.parametrize("crash_at", range(6))
def test_a_machine_that_ends_in_the_middle_of_a_write_leaves_the_old_or_the_new(
    bucket, tmp_path, monkeypatch, crash_at
):
    old, new = {"a": b"1" * 9, "b": b"2" * 9}, {"a": b"3" * 9, "b": b"4" * 9, "c": b"5" * 9}
    Shelf(bucket / "run").store(files_of(tmp_path, **old), lambda: True)
    left = crash_at

    def write_and_maybe_end(path, content):
        nonlocal left
        data = content if isinstance(content, bytes) else b"".join(content)
        path.write_bytes(data if left else data[: len(data) // 2])
        if not left:
            raise KeyboardInterrupt
        left -= 1

    with monkeypatch.context() as patch:
        patch.setattr(shelf_module, "_write", write_and_maybe_end)
        try:
            Shelf(bucket / "run").store(files_of(tmp_path, **new), lambda: True)
        except KeyboardInterrupt:
            assert crash_at < 4
            assert fetched(Shelf(bucket / "run"), tmp_path) == old
        else:
            assert fetched(Shelf(bucket / "run"), tmp_path) == new
    Shelf(bucket / "run").remove()


def test_two_files_of_one_content_and_what_was_half_written_before(bucket, tmp_path):
    files = files_of(tmp_path, a=b"same", b=b"same", c=b"other")
    answers = iter([True, True, True, False])
    assert not Shelf(bucket / "run").store(files, lambda: next(answers))
    other = max((bucket / "run").iterdir(), key=lambda path: path.stat().st_size)
    other.unlink()
    other.write_bytes(b"ot")
    assert Shelf(bucket / "run").store(files, lambda: True)
    assert fetched(Shelf(bucket / "run"), tmp_path) == {"a": b"same", "b": b"same", "c": b"other"}


def test_what_is_not_wanted_any_more_changes_nothing(bucket, tmp_path):
    shelf = Shelf(bucket / "run")
    shelf.store(files_of(tmp_path, a=b"one"), lambda: True)
    answers = iter([True, False])
    assert not shelf.store(files_of(tmp_path, a=b"two"), lambda: next(answers))
    assert fetched(Shelf(bucket / "run"), tmp_path) == {"a": b"one"}


@pytest.mark.parametrize("damage", ["changed", "missing", "cut", "foreign"])
def test_what_was_damaged_is_noticed(bucket, tmp_path, damage):
    shelf = Shelf(bucket / "run")
    shelf.store(files_of(tmp_path, a=b"content"), lambda: True)
    (content,) = [path for path in (bucket / "run").iterdir() if not path.name.startswith("manifest")]
    content.unlink()
    if damage in ("changed", "cut"):
        content.write_bytes(b"CONTENT" if damage == "changed" else b"cont")
    elif damage == "foreign":
        content.write_bytes(b"content")
    with pytest.raises(ShelfDamaged):
        shelf.fetch(tmp_path, lambda name: damage != "foreign")


def test_a_log_that_grows_meanwhile_is_stored_as_long_as_it_was(bucket, tmp_path, monkeypatch):
    files = files_of(tmp_path, a=b"line 1\n")
    fingerprint = shelf_module._fingerprint

    def grow(path, size):
        found = fingerprint(path, size)
        with files[0][1].open("ab") as file:
            file.write(b"line 2\n")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(shelf_module, "_fingerprint", grow)
        Shelf(bucket / "run").store(files, lambda: True)
    assert fetched(Shelf(bucket / "run"), tmp_path) == {"a": b"line 1\n"}
