"""The main function of the process that reads one document or one image, and ends.

Its bytes are a stranger's. So it runs apart from the proxy, with an environment of almost nothing, in limits that it
sets for itself once everything is imported.
"""

from __future__ import annotations

import base64
import binascii
import sys
from typing import Final

from kimi_cli.media.confinement import confine
from kimi_cli.media.task import Outcome, PdfTask, Reason, Task, Unreadable, outcome_to_bytes, task_from_line

_URL_SAFE: Final = str.maketrans("-_", "+/")


def main(seconds: int) -> None:
    """Read a task and its base64 from stdin, and write its outcome to stdout."""
    task = task_from_line(sys.stdin.buffer.readline())
    if isinstance(task, PdfTask):
        import kimi_cli.media.pdf
    else:
        import kimi_cli.media.image  # noqa: F401 - imported before the limits are set
    confine(seconds=seconds)
    outcome = carry_out(task, sys.stdin.buffer.read().decode("ascii", "replace"))
    sys.stdout.buffer.write(outcome_to_bytes(outcome))
    sys.stdout.buffer.flush()


def carry_out(task: Task, data: str) -> Outcome:
    """What comes of a task. Whatever goes wrong in reading is an outcome too."""
    try:
        decoded = decoded_base64(data)
        if decoded is None:
            return Unreadable(Reason.BROKEN)
        if isinstance(task, PdfTask):
            from kimi_cli.media.pdf import extract

            return extract(decoded, task)
        from kimi_cli.media.image import fit

        return fit(decoded, task, is_clean=base64.b64encode(decoded).decode() == data)
    except MemoryError:
        return Unreadable(Reason.TOO_MUCH)
    except Exception:  # noqa: BLE001 - hostile bytes raise anything
        return Unreadable(Reason.BROKEN)


def decoded_base64(data: str) -> bytes | None:
    """The bytes, or None where it is not base64.

    Some clients send a whole data URL, lines, the alphabet for URLs, or no padding.
    """
    if data.startswith("data:"):
        data = data.partition(",")[2]
    text = "".join(data.split()).translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None
