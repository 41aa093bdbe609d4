"""The log."""

from __future__ import annotations

import json
import logging
import stat
import sys
from datetime import datetime

import pytest

from kimi_cli.proxy.logs import OLDER_FILES, SIZE_LIMIT, start_logging

SECRET = "a-token-in-use"


@pytest.fixture
def root():
    """The root logger, as it was afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("kimi_cli")
    before = (root.handlers[:], root.level, ours.level, logging.raiseExceptions)
    yield root
    for handler in root.handlers[:]:
        if handler not in before[0]:
            root.removeHandler(handler)
            handler.close()
    root.setLevel(before[1])
    ours.setLevel(before[2])
    logging.raiseExceptions = before[3]


def start(path, *, debug=False):
    start_logging(path, debug=debug, secrets=lambda: [SECRET])
    return logging.getLogger("kimi_cli.test")


def lines(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_is_one_line_of_json(root, tmp_path):
    """Time, level, process, event and fields; line breaks stay inside the string."""
    path = tmp_path / "log" / "proxy.log"
    start(path).info("one\ntwo", extra={"fields": {"port": 1, "names": ["a", "b"], "nothing": None, "path": tmp_path}})
    (line,) = lines(path)
    assert datetime.fromisoformat(line.pop("time")).tzinfo
    assert line.pop("pid")
    assert line == {
        "level": "info",
        "event": "one\ntwo",
        "port": 1,
        "names": ["a", "b"],
        "nothing": None,
        "path": str(tmp_path),
    }
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_secrets_are_kept_out_of_every_part(root, tmp_path):
    """A token in use, and whatever looks like a key, is gone from events, fields and tracebacks."""
    path, key = tmp_path / "proxy.log", "gsk_abcdefghijklmnop"
    log = start(path)
    log.warning("about %s", SECRET, extra={"fields": {"a": SECRET, "b": [key], "c": {"d": SECRET}}})
    try:
        int(f"{SECRET} {key}")
    except ValueError:
        log.exception("failed")
    text = path.read_text()
    assert SECRET not in text
    assert key not in text
    assert "'[redacted] [redacted]'" in lines(path)[1]["traceback"]


def test_debug_says_more(root, tmp_path):
    """Details are logged on request alone."""
    path = tmp_path / "proxy.log"
    start(path).debug("detail")
    assert not lines(path)
    start(path, debug=True).debug("detail")
    assert lines(path)


def test_a_log_that_was_turned_over_by_another_process_is_followed(root, tmp_path):
    """Two proxies share a log; when one moves the file away, the other writes to the new one."""
    path = tmp_path / "proxy.log"
    log = start(path)
    log.info("first")
    path.rename(tmp_path / "proxy.log.1")
    log.info("second")
    assert [line["event"] for line in lines(path)] == ["second"]


@pytest.fixture
def full(tmp_path):
    """A log that has reached its size, with as many older ones as are kept."""
    path = tmp_path / "proxy.log"
    path.write_bytes(b"now\n" + b" " * SIZE_LIMIT)
    for number in range(1, OLDER_FILES + 1):
        path.with_name(f"proxy.log.{number}").write_text(f"older {number}\n")
    return path


def test_a_full_log_turns_over(root, full):
    """The file becomes the first of the older ones, each of these moves on by one, and the oldest is gone."""
    start(full).info("event")
    assert [line["event"] for line in lines(full)] == ["event"]
    older = [full.with_name(f"proxy.log.{number}").read_text().split()[:2] for number in range(1, OLDER_FILES + 1)]
    assert older == [["now"], ["older", "1"], ["older", "2"]]
    assert len(list(full.parent.iterdir())) == 1 + OLDER_FILES
    if sys.platform != "win32":
        assert stat.S_IMODE(full.stat().st_mode) == 0o600


def test_a_log_that_cannot_be_renamed_is_copied_and_emptied(root, full, monkeypatch):
    """Where somebody's open file keeps it from being renamed, as on Windows, the log keeps its size and its lines."""

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.replace", refuse)
    with full.open("rb") as held:
        start(full).info("event")
        assert held.read()  # the same file, with the new line alone
    assert [line["event"] for line in lines(full)] == ["event"]
    copy = full.with_name("proxy.log.1")
    assert copy.read_bytes().startswith(b"now\n")
    if sys.platform != "win32":
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="a directory is in the way there as well, in other words")
def test_a_log_that_cannot_be_turned_over_goes_on(root, full):
    """Something in the way of the older files costs no line."""
    (full.with_name("proxy.log.3")).unlink()
    (full.with_name("proxy.log.3") / "x").mkdir(parents=True)
    log = start(full)
    log.info("first")
    log.info("second")
    assert [json.loads(line)["event"] for line in full.read_text().splitlines()[1:]] == ["first", "second"]


def test_a_log_that_cannot_be_written_is_done_without(root, tmp_path):
    """A file in the place of the log's directory, and a directory in the place of the log, harm nothing."""
    (tmp_path / "file").touch()
    (tmp_path / "proxy.log").mkdir()
    start(tmp_path / "file" / "proxy.log").warning("lost")
    start(tmp_path / "proxy.log").warning("lost")
