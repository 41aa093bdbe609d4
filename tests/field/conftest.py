"""The tests of the field stand on the end-to-end stage: the real client, the real proxy, a strict upstream."""

from __future__ import annotations

from tests.e2e.conftest import claude, claude_version, stage

__all__ = ["claude", "claude_version", "stage"]
