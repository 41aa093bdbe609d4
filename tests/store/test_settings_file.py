"""The settings file as TOML, in every form in which it may be written."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kimi_cli.errors import SettingsError
from kimi_cli.store.settings_file import read_document, rewrite

FORMS = [
    "",
    "# only a comment",
    'provider = "a" # x\n',
    '[providers.groq]\n# k\nmodel = "x"\n',
    'providers = {groq = {model = "x"}}\n',
    'providers.groq.model = "x"\n',
    '[providers.groq]\nmodel = "x"\n[other]\na = 1\n[providers.moonshot]\nmodel = "y"\n',
    "[providers]\n",
    '[providers.groq.slots]\nhaiku = "h"\n',
    "[other]\nx = 1\n# end",
    '[providers]\ngroq.model = "x"\n',
    '[providers.groq]\r\nmodel = "x"\r\n',
    '[providers.groq]\nmodel = "x"\n\n[providers.groq.slots]\nhaiku = "h"\n\n# about\n[providers.moonshot]\n',
]
CHANGES = [
    {("provider",): "groq"},
    {("providers", "groq", "model"): "new"},
    {("providers", "groq", "slots", "haiku"): "small"},
    {("providers", "new", "base_url"): "https://h.example", ("providers", "new", "model"): "m"},
    {("providers", "groq", "model"): ""},
    {("providers", "groq", "slots", "haiku"): ""},
    {("provider",): ""},
    {("providers", "groq"): ""},
    {("providers", "groq"): "", ("provider",): ""},
    {("providers", "groq", "slots"): ""},
]
TOO_MUCH = {('[providers]\ngroq.model = "x"\n', "small")}
"""Where the library would write something else than was asked for; then nothing is written."""


@pytest.mark.parametrize("changes", CHANGES, ids=str)
@pytest.mark.parametrize("form", FORMS, ids=repr)
def test_every_form_is_changed_or_left_alone(tmp_path, form, changes):
    """A change is made exactly, with every comment kept but a removed table's own, or refused with nothing touched."""
    path = tmp_path / "settings.toml"
    path.write_bytes(form.encode())
    try:
        rewrite(path, changes)
    except SettingsError:
        assert (form, next(iter(changes.values()))) in TOO_MUCH
        assert path.read_bytes() == form.encode()
        return
    after = path.read_bytes().decode()
    for keys, value in changes.items():
        assert value_at(tomllib.loads(after), keys) == (value or None)
    for comment in (line for line in form.splitlines() if line.startswith("#")):
        assert comment in after or (comment == "# k" and ("providers", "groq") in changes)


def value_at(document, keys):
    for key in keys:
        document = document.get(key, {}) if isinstance(document, dict) else {}
    return document or None


def test_nothing_to_change_writes_nothing(tmp_path):
    """Setting what is set leaves the file itself in place, with its modification time."""
    path = tmp_path / "settings.toml"
    path.write_text('provider = "groq"')
    before = path.stat()
    rewrite(path, {("provider",): "groq"})
    assert path.stat() == before or path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino


def test_number_that_is_too_long(tmp_path):
    """A number with more digits than the interpreter converts is an error like any other."""
    path = tmp_path / "settings.toml"
    path.write_text(f"x = {'1' * 5000}")
    with pytest.raises(SettingsError, match="a number that is too long"):
        read_document(path)


def test_a_table_goes_whole(tmp_path):
    """A table goes with its comments and the tables in it, and nothing around it does."""
    path = tmp_path / "settings.toml"
    before = '# mine\nprovider = "moonshot"\n\n[providers.moonshot]\nmodel = "m"  # good\n'
    table = '\n[providers.groq]\n# fast\nmodel = "x"\n\n[providers.groq.slots]\nhaiku = "h"\n'
    path.write_text(before + table)
    rewrite(path, {("providers", "groq"): ""})
    assert path.read_text().rstrip() == before.rstrip()


SCATTERED = """\
# top
[providers.groq]
# its own
model = "x"
# above the other
[other]
a = 1  # one

# above the slots
[providers.groq.slots]
haiku = '''
# no comment
'''

# above the last
[providers.moonshot]
model = "x"
# end
"""


def test_comments_below_what_is_removed(tmp_path):
    """Comments below a removed table are those of the next one, and stay, wherever the table's parts are."""
    path = tmp_path / "settings.toml"
    path.write_text(SCATTERED)
    rewrite(path, {("providers", "groq"): ""})
    kept = [line for line in path.read_text().splitlines() if line]
    assert kept == [
        "# top",
        "# above the other",
        "[other]",
        "a = 1  # one",
        "# above the slots",
        "# above the last",
        "[providers.moonshot]",
        'model = "x"',
        "# end",
    ]


def test_removing_from_nothing_makes_no_file(tmp_path):
    """Removing what is not there makes no file."""
    path = tmp_path / "settings.toml"
    rewrite(path, {("provider",): ""})
    assert not path.exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=30))
def test_any_name_and_text_survives(tmp_path, name, text):
    """Quotes, line breaks, dots and every other character come back as they were set."""
    path = tmp_path / "settings.toml"
    path.unlink(missing_ok=True)
    if any("\ud800" <= character <= "\udfff" for character in name + text):
        return
    rewrite(path, {("providers", name, "model"): text})
    assert read_document(path) == {"providers": {name: {"model": text}}}
