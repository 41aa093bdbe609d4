"""Claude Code is found wherever it was installed; where it is not, all that was tried is named, and what helps."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kimi_cli.launcher.places import installation_places
from tests.cli.run import kimi
from tests.launcher.conftest import make_program

if TYPE_CHECKING:
    from tests.conftest import Sandbox

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs are made executable as POSIX does")

SAYS = "import sys; print(__file__, *sys.argv[1:])"
INSTALLED = {
    "the native installer": ".local/bin/claude",
    "the local installation, an alias": ".claude/local/claude",
    "npm with a prefix": ".npm-global/bin/claude",
    "nvm": ".nvm/versions/node/v22.1.0/bin/claude",
    "npx": ".npm/_npx/0123abcd/node_modules/.bin/claude",
    "bun": ".bun/bin/claude",
    "volta": ".volta/bin/claude",
}


@pytest.fixture(autouse=True)
def _nowhere_on_this_machine(sandbox: Sandbox) -> None:
    """Installations for everybody, outside of any home, would be found as well."""
    places = [place for place in installation_places(sandbox.environ()) if not place.is_relative_to(sandbox.root)]
    if any((place / "claude").exists() for place in places):
        pytest.skip("Claude Code is installed for every user of this machine")


def version(sandbox: Sandbox, *options: str, path: str | None = None, **variables: str):
    """`kimi launch -- --version`, which asks no host for anything, with an empty directory as the search path."""
    empty = sandbox.root / "empty"
    empty.mkdir(exist_ok=True)
    return kimi("launch", *options, "--", "--version", PATH=path or str(empty), **variables)


@pytest.mark.parametrize("how", INSTALLED)
def test_field_24_wherever_it_was_installed(sandbox, how):
    """It is run with its own arguments, although the search path does not lead to it."""
    program = make_program(sandbox.home / INSTALLED[how], SAYS)
    done = version(sandbox)
    assert (done.status, done.out.split()) == (0, [str(program), "--version"])


def test_field_24_the_search_path_counts_first(sandbox):
    """And before it what is named, by a flag or by a variable; what cannot be run is passed over."""
    make_program(sandbox.home / INSTALLED["bun"], SAYS)
    directory, text = sandbox.root / "a" / "claude", sandbox.root / "b" / "claude"
    directory.mkdir(parents=True)
    text.parent.mkdir()
    text.write_text("not to be run", encoding="utf-8")
    first = make_program(sandbox.root / "c" / "claude", SAYS)
    path = os.pathsep.join(str(place.parent) for place in (directory, text, first))
    assert version(sandbox, path=path).out.split()[0] == str(first)
    named, flagged = (make_program(sandbox.root / name / "program", SAYS) for name in ("named", "flagged"))
    assert version(sandbox, path=path, KIMI_CLAUDE=str(named)).out.split()[0] == str(named)
    assert version(sandbox, "--claude", str(flagged), path=path, KIMI_CLAUDE=str(named)).out.split()[0] == str(flagged)


@pytest.mark.parametrize("how", ["a link", "a script"])
def test_field_24_it_is_never_kimi_itself(sandbox, how):
    """A `claude` that leads to `kimi`, as people make one, would start itself for ever; it is not taken for one."""
    ours = Path(sys.executable).with_name("kimi")
    if not ours.exists():
        ours = make_program(sandbox.root / "ours" / "kimi", "import kimi_cli.cli; kimi_cli.cli.main()")
    link = sandbox.home / INSTALLED["the native installer"]
    link.parent.mkdir(parents=True)
    if how == "a link":
        link.symlink_to(ours)
    else:
        link.write_text('#!/bin/sh\n# as ever, but on Kimi\nexec kimi launch "$@"\n', encoding="utf-8")
        link.chmod(0o755)
    assert version(sandbox).status == 4
    program = make_program(sandbox.home / INSTALLED["bun"], SAYS)
    assert version(sandbox).out.split()[0] == str(program)


def test_field_24_where_there_is_none(sandbox):
    """One sentence with every place that was looked into, and the command that installs it; also from `kimi check`."""
    done = version(sandbox)
    said = " ".join(done.err.split())
    assert (done.status, done.out) == (4, "")
    for how in INSTALLED.values():
        place = Path(how).parent
        if not set(place.parts) & {".nvm", "_npx"}:  # those have a version in their name
            assert f"~/{place}" in said
    assert "PATH" in said
    assert "https://claude.ai/install" in said
    checked = " ".join(kimi("check", PATH=str(sandbox.root / "empty")).out.split())
    assert "Claude Code was not found" in checked
    assert "https://claude.ai/install" in checked


def test_field_24_one_that_cannot_be_run(sandbox):
    """A script whose interpreter is missing, as after a change of Node's version, is not said to be missing itself."""
    program = sandbox.home / INSTALLED["nvm"]
    program.parent.mkdir(parents=True)
    program.write_text("#!/no/such/node\n", encoding="utf-8")
    program.chmod(0o755)
    done = version(sandbox)
    said = "".join(done.err.split())
    assert done.status == 4
    assert str(program) in said
    assert "whatitneedsinordertorunismissing" in said
