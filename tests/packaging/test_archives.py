"""What is in the archives that are published."""

from __future__ import annotations

import email
import tarfile
import zipfile
from pathlib import Path

import pytest

from kimi_cli import __version__
from tests.packaging.index import DIST, build


@pytest.fixture
def source(built) -> Path:
    """The tree that they were built from."""
    return built.wheel.parent.parent / "source"


def package_files(source: Path) -> set[str]:
    """Every file of the package that is not a cache."""
    return {
        path.relative_to(source).as_posix()
        for path in (source / "kimi_cli").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_package_and_nothing_else(built, source):
    """Every module, the mark for type checkers and the metadata: no tests, no caches, no waste."""
    with zipfile.ZipFile(built.wheel) as wheel:
        names = set(wheel.namelist())
    metadata = {f"{DIST}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    assert names == package_files(source) | metadata
    assert {Path(name).suffix for name in names if name.startswith("kimi_cli/")} == {".py", ".typed"}
    assert "kimi_cli/py.typed" in names


def test_the_wheel_is_for_every_system(built):
    """It is pure Python."""
    assert built.wheel.name == f"kimi_cli-{__version__}-py3-none-any.whl"


def test_its_metadata(built, source):
    """Version, licence, program and text are what the project says."""
    with zipfile.ZipFile(built.wheel) as wheel:
        metadata = email.message_from_bytes(wheel.read(f"{DIST}/METADATA"))
        programs = wheel.read(f"{DIST}/entry_points.txt").decode()
        licence = wheel.read(f"{DIST}/licenses/LICENSE")
    assert (metadata["Name"], metadata["Version"]) == ("kimi-cli", __version__)
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_payload() == (source / "README.md").read_text(encoding="utf-8")
    assert programs.split() == ["[console_scripts]", "kimi", "=", "kimi_cli.cli:main"]
    assert licence == (source / "LICENSE").read_bytes()


def test_the_source_archive_holds_what_a_build_needs(built, source):
    """Package, tests and documents, and no caches."""
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames() if archive.getmember(name).isfile()}
    assert package_files(source) <= names
    assert {"pyproject.toml", "PKG-INFO", "README.md", "CHANGELOG.md", "ARCHITECTURE.md", "LICENSE"} <= names
    assert "tests/conftest.py" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", "waste.py"))]


def test_the_source_archive_builds_the_same_wheel(built, backend, tmp_path):
    """Who builds from it gets, byte for byte, what is published."""
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    again = build(tmp_path / built.sdist.name.removesuffix(".tar.gz"), backend, into=tmp_path / "out")
    assert again.wheel.read_bytes() == built.wheel.read_bytes()
