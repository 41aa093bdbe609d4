"""What was learned of models' token counts, kept for the proxies to come.

Only the frame of the file is known here: what is in it is for the translator to read and to judge.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from kimi_cli.store.files import ensure_private_dir, read_private, write_private

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA: Final = 1
"""Raised when the form changes; a file of another form holds nothing for us."""
_LIMIT: Final = 1024 * 1024
"""Bytes; the most that is ever kept has a twentieth."""


class DamagedCalibrationError(ValueError):
    """The file is not what was written."""


def read_calibration(file: Path) -> dict[str, object]:
    """What was kept; nothing where there is no file, or one of another version of ours.

    Raises:
        DamagedCalibrationError: it is damaged.
        OSError: it cannot be read, or is not this user's alone.
    """
    try:
        data = json.loads(read_private(file, limit=_LIMIT))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        raise DamagedCalibrationError("it is not JSON") from error
    if not isinstance(data, dict):
        raise DamagedCalibrationError("it is not an object")
    return data if data.get("schema") == _SCHEMA else {}


def write_calibration(file: Path, data: dict[str, object]) -> None:
    """Keeps it in place of what was kept before, in one step.

    Raises:
        OSError: it cannot be written; nothing depends on it.
    """
    ensure_private_dir(file.parent)
    write_private(file, json.dumps({"schema": _SCHEMA, **data}, separators=(",", ":")).encode())
