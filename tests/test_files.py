"""A file appears whole or not at all, one at a time may have it, and what is in its way is said."""

from threading import Thread

import pytest

from audiocnn.files import locked, whole_file, why_not_read


def test_what_was_there_stays_until_all_is_written(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with whole_file(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old" and beside.parent == tmp_path
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_nothing_behind(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(KeyboardInterrupt), whole_file(path) as beside:
        beside.write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_held_by_one_at_a_time(tmp_path):
    path = tmp_path / "lock"
    with locked(path, wait=False) as first, locked(path, wait=False) as second:
        assert (first, second) == (True, False)
    with locked(path, wait=False) as third:
        assert third


def test_who_waits_for_a_lock_gets_it(tmp_path):
    path, order = tmp_path / "lock", []

    def second():
        with locked(path, wait=True) as ours:
            order.append("second" if ours else "nobody")

    with locked(path, wait=True):
        thread = Thread(target=second)
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_what_keeps_a_file_from_being_read_is_said_with_a_remedy(tmp_path):
    path = tmp_path / "a.png"
    assert why_not_read(path, "picture") == f"{path} does not exist; check the name and the folder"
    path.touch()
    assert why_not_read(path, "picture") == f"{path} is an empty file; copy it again"
    path.write_text("something")
    assert why_not_read(path, "picture") is None
    assert why_not_read(tmp_path, "picture") == f"{tmp_path} is a folder; name a picture in it"
    long = tmp_path / ("x" * 300)
    assert why_not_read(long, "picture") == (
        f"{long} cannot be looked up (File name too long); check the name and the folder"
    )
