"""The user's own `--settings`."""

from __future__ import annotations

import json
import sys

import pytest

from kimi_cli.errors import UsageError
from kimi_cli.launcher.own_settings import read_own_settings


@pytest.mark.parametrize("value", [None, "", "  "])
def test_none(value, tmp_path):
    """Without one, and with an empty one, there is nothing."""
    assert read_own_settings(value, cwd=tmp_path) == {}


def test_inline(tmp_path):
    """What looks like an object is JSON."""
    assert read_own_settings(' {"model": "opus"} ', cwd=tmp_path) == {"model": "opus"}


def test_a_file(tmp_path):
    """Anything else is a path, relative to the working directory; an empty file is no settings."""
    (tmp_path / "s.json").write_bytes(b'\xef\xbb\xbf{"model": "opus"}')
    (tmp_path / "empty.json").write_text("\n")
    assert read_own_settings("s.json", cwd=tmp_path) == {"model": "opus"}
    assert read_own_settings(str(tmp_path / "s.json"), cwd=tmp_path.parent) == {"model": "opus"}
    assert read_own_settings("empty.json", cwd=tmp_path) == {}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("{not json}", "not valid JSON: .* at line 1, column 2"),
        ("missing.json", "missing.json, cannot be read: No such file"),
        ("{unclosed", "unclosed, cannot be read"),
        ("list.json", "not a JSON object"),
        ("broken.json", "broken.json, is not valid JSON"),
        ("binary.json", "not UTF-8"),
        (".", "cannot be read"),
    ],
)
def test_what_cannot_be_used(value, says, tmp_path):
    """Each fault is one sentence that says where it is."""
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "broken.json").write_text('{"a": 1,}')
    (tmp_path / "binary.json").write_bytes(b"{\xff}")
    with pytest.raises(UsageError, match=says):
        read_own_settings(value, cwd=tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="the paths of POSIX")
def test_rules_keep_their_meaning(tmp_path):
    """Rules that are relative to their file become absolute, since the file will be ours; others stay."""
    rules = ["Read(/secret/**)", "Edit(//etc/x)", "Read(~/x)", "Bash(/bin/ls)", "Read(./y)", "WebFetch", 7]
    (tmp_path / "s.json").write_text(json.dumps({"permissions": {"deny": rules, "allow": [], "defaultMode": "plan"}}))
    permissions = read_own_settings("s.json", cwd=tmp_path)["permissions"]
    assert permissions["deny"] == [f"Read(/{tmp_path.resolve()}/secret/**)", *rules[1:]]
    assert permissions["allow"] == []
    assert permissions["defaultMode"] == "plan"
