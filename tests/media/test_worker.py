"""The process that reads documents: any base64 is understood, any bytes have an outcome, and its limits hold."""

from __future__ import annotations

import base64
import os
import subprocess
import sys

import pytest

from kimi_cli.media import image, pdf
from kimi_cli.media.reader import worker_command, worker_environment
from kimi_cli.media.task import PdfTask, Picture, Reason, Unreadable, outcome_from_bytes, task_to_line
from kimi_cli.media.worker import carry_out, decoded_base64
from tests.media.pdfs import pdf as a_pdf
from tests.media.pictures import ROOMY, plain

needs_limits = pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds every limit")
PDF_TASK = PdfTask(pages=300, characters=200_000)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("aGk/", b"hi?"),
        ("aGk_", b"hi?"),
        ("aGk", b"hi"),
        ("aG\r\nk=\n", b"hi"),
        ("data:image/png;base64,aGk=", b"hi"),
        ("", None),
        ("a", None),
        ("a*b=", None),
        ("ümlaut==", None),
        ("data:image/png", None),
    ],
)
def test_base64(data, expected):
    """It is read in each of the forms in which clients write it."""
    assert decoded_base64(data) == expected


def test_base64_goes_out_in_one_form():
    """What a host might not read is written anew; what it does stays as it is."""
    data = base64.b64encode(plain()).decode()
    for odd in (f"data:image/png;base64,{data}", data[:20] + "\n" + data[20:], data.rstrip("=")):
        outcome = carry_out(ROOMY, odd)
        assert isinstance(outcome, Picture)
        assert outcome.data == ("" if odd == data else data)
    assert carry_out(ROOMY, data) == Picture("image/png", "", (64, 48), (64, 48))


@pytest.mark.parametrize("task", [ROOMY, PDF_TASK])
@pytest.mark.parametrize("data", [b"", b"\0", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", a_pdf("x")[:200], plain()[:60]])
def test_wrecks(task, data):
    """Whatever the bytes are, there is an outcome."""
    assert isinstance(carry_out(task, base64.b64encode(data).decode()), Unreadable)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), Reason.TOO_MUCH),
        (RecursionError(), Reason.BROKEN),
        (ZeroDivisionError(), Reason.BROKEN),
        (UnicodeDecodeError("utf-8", b"", 0, 1, ""), Reason.BROKEN),
    ],
)
@pytest.mark.parametrize(("module", "name", "task"), [(pdf, "extract", PDF_TASK), (image, "fit", ROOMY)])
def test_whatever_the_libraries_raise_is_an_outcome(monkeypatch, error, reason, module, name, task):
    """They are not made for strangers' bytes alone, and raise anything."""

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(module, name, fail)
    assert carry_out(task, "aGk=") == Unreadable(reason)


def test_the_process_itself():
    """It reads a task and base64, answers, and ends; where it lives there is nothing of the user's."""
    asked = task_to_line(PDF_TASK) + base64.b64encode(a_pdf("Hello"))
    environment = worker_environment({"HOME": "/home/ann", "GROQ_API_KEY": "gsk_x", "PATH": "/bin", "SYSTEMROOT": "x"})
    assert environment == {"SYSTEMROOT": "x"}
    done = subprocess.run(
        worker_command(20),
        input=asked,
        env=worker_environment(os.environ),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert outcome_from_bytes(done.stdout).text == "[page 1]\nHello"


@needs_limits
@pytest.mark.parametrize(
    ("deed", "end"),
    [
        ("bytearray(300 << 20)", b"MemoryError"),
        ("import pathlib; pathlib.Path('written').write_text('x')", b"File too large"),
        ("[open('/dev/null') for _ in range(99)]", b"Too many open files"),
    ],
)
def test_what_the_process_denies_itself(tmp_path, deed, end):
    """More memory, files, descriptors: it gets an error, whoever it belongs to by then."""
    code = f"from kimi_cli.media.confinement import confine; confine(seconds=30, memory=256 << 20); {deed}"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert end in done.stderr
    assert all(path.stat().st_size == 0 for path in tmp_path.iterdir())


@needs_limits
def test_a_process_that_nobody_ends(tmp_path):
    """One whose proxy is gone runs out of processor time by itself."""
    code = "from kimi_cli.media.confinement import confine; confine(seconds=1)\nwhile True: pass"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode < 0
