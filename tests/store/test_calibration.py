"""What was learned of token counts, kept in a file."""

from __future__ import annotations

import sys

import pytest

from kimi_cli.store.calibration import DamagedCalibrationError, read_calibration, write_calibration
from kimi_cli.store.files import NotPrivateError, write_private

DATA = {"kinds": ["letters"], "lanes": [{"host": "groq", "model": "größe", "factors": [1.25]}]}


@pytest.fixture
def file(paths):
    """Where it is kept."""
    return paths.calibration_file


def test_round_trip(file):
    """What was kept comes back, and what is kept later stands in its place."""
    write_calibration(file, {"lanes": []})
    write_calibration(file, DATA)
    assert {**read_calibration(file), "schema": None} == {**DATA, "schema": None}


def test_nothing_kept(file, paths):
    """Without a file there is nothing, and none is made."""
    assert read_calibration(file) == {}
    assert not paths.cache_dir.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_private(file):
    """The file and its directory are the user's alone; one that others may write to is not read."""
    write_calibration(file, DATA)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert list(file.parent.iterdir()) == [file]
    file.chmod(0o666)
    with pytest.raises(NotPrivateError):
        read_calibration(file)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"a"', "[" * 100_000, "\udc80", '{"schema": 1'])
def test_damaged(file, text):
    """A file that was cut short or is something else is called damaged."""
    write_calibration(file, DATA)
    write_private(file, text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DamagedCalibrationError, match="it is not"):
        read_calibration(file)


@pytest.mark.parametrize("schema", ["0", "2", '"1"', "null", "[1]"])
def test_another_version(file, schema):
    """What another version of ours has kept is no damage, and nothing for this one."""
    write_calibration(file, DATA)
    write_private(file, b'{"schema": %s, "kinds": [], "lanes": []}' % schema.encode())
    assert read_calibration(file) == {}


def test_too_large(file):
    """A file of any size is not read into memory whole."""
    write_calibration(file, DATA)
    write_private(file, b" " * 2_000_000)
    with pytest.raises(NotPrivateError, match="larger"):
        read_calibration(file)


def test_a_full_disk(file, full_disk):
    """Where it cannot be written, what was kept before stays."""
    write_calibration(file, DATA)
    with full_disk(), pytest.raises(OSError, match=r"too large|No space"):
        write_calibration(file, {"lanes": []})
    assert read_calibration(file)["lanes"] == DATA["lanes"]
    assert list(file.parent.iterdir()) == [file]
