"""The archives that are published, built once for all tests from a copy of the sources."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import filelock
import pytest

from tests.packaging.index import ROOT, SOURCES, Built, UnreachableError, build, install

if TYPE_CHECKING:
    from pathlib import Path

_BACKEND = "hatchling>=1.27"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Built:
    """A wheel and a source archive, or a skip that says what pip said."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "archives"
    with filelock.FileLock(f"{shared}.lock"):
        failed = shared / "unreachable"
        if not shared.exists():
            shared.mkdir()
            try:
                install(_BACKEND, target=shared, into=shared / "backend")
            except UnreachableError as error:
                failed.write_text(str(error))
        if failed.exists():
            pytest.skip(f"hatchling is not to be had from a package index: {failed.read_text()}")
        out = shared / "out"
        if not out.exists():
            build(copy_sources(shared / "source"), shared / "backend", into=out)
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return Built(wheel, sdist)


@pytest.fixture(scope="session")
def backend(built: Built) -> Path:
    """The directory with the build backend."""
    return built.wheel.parent.parent / "backend"


def copy_sources(target: Path) -> Path:
    """The sources as they are checked out, with what lies beside them in a tree that is worked on."""
    target.mkdir()
    for name in SOURCES:
        shutil.copy(ROOT / name, target / name)
    for folder in ("kimi_cli", "tests", "scripts"):
        shutil.copytree(ROOT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("kimi_cli", "kimi_cli/cli", "tests"):
        cache = target / folder / "__pycache__"
        cache.mkdir()
        (cache / "stale.cpython-311.pyc").write_bytes(b"\0")
    for cache in (".mypy_cache", ".ruff_cache", ".pytest_cache", ".cache", ".venv", "dist", "build"):
        (target / cache).mkdir()
        (target / cache / "waste.py").write_text("")
    return target
