"""What the user's environment asks of the proxy, and what of that environment the proxy gets to see."""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import UsageError
from kimi_cli.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORT: Final = 8090
DEFAULT_GRACE: Final = 10.0
"""Seconds without a session after which the proxy ends: enough for a client to be quit and started again."""
DEFAULT_RETRY: Final = 15.0
"""Seconds within which a host that failed is asked again for the same answer, before its client hears of it."""
_PORTS: Final = range(65536)


class Wishes(Record):
    """`port` is None where the user did not name one; 0 is any free one. `grace` and `retry` are in seconds."""

    port: int | None
    grace: float
    debug: bool
    retry: float = DEFAULT_RETRY


def read_wishes(environ: Mapping[str, str]) -> Wishes:
    """Reads KIMI_PROXY_PORT, KIMI_IDLE_GRACE, KIMI_RETRY_SECONDS and KIMI_DEBUG.

    Raises:
        UsageError: one of them makes no sense.
    """
    port = environ.get("KIMI_PROXY_PORT", "").strip()
    return Wishes(
        port=_port(port) if port else None,
        grace=_seconds(environ, "KIMI_IDLE_GRACE", default=DEFAULT_GRACE),
        retry=_seconds(environ, "KIMI_RETRY_SECONDS", default=DEFAULT_RETRY),
        debug=environ.get("KIMI_DEBUG", "") not in {"", "0"},
    )


def proxy_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that the proxy is started with.

    It is a list of what may pass: which variables hold keys cannot be known, as users name their own for hosts that
    they add. Variables for HTTP proxies pass, since the way to the host may need them; this machine is always reached
    directly. Files are named from the root on, for the proxy starts in another directory.
    """
    passed = {name: value for name, value in environ.items() if _may_pass(name)}
    # Where both are set, the lower case counts alone: so whatever is excepted stands in both.
    excepted = ",".join(filter(None, (passed.get("no_proxy"), passed.get("NO_PROXY"), _THIS_MACHINE)))
    for name in _FILES & passed.keys():
        passed[name] = os.pathsep.join(map(os.path.abspath, filter(None, passed[name].split(os.pathsep))))
    return passed | {"NO_PROXY": excepted, "no_proxy": excepted}


_THIS_MACHINE: Final = "127.0.0.1,localhost,::1"
_PASSED: Final = frozenset(
    {
        *("HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "TMP", "TEMP", "PATH"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE"),
        *("PYTHONUTF8", "PYTHONWARNINGS", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
        # Windows finds its libraries and profile through these; sockets fail without the first.
        *("SYSTEMROOT", "WINDIR", "SYSTEMDRIVE", "COMSPEC", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA"),
        *("HOMEDRIVE", "HOMEPATH", "USERNAME"),
    }
)
_PASSED_PREFIXES: Final = ("LC_", "XDG_")
_FILES: Final = frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR"})


def _may_pass(name: str) -> bool:
    # Proxy variables are written in both cases; on Windows no name has a case.
    known = name.upper() if sys.platform == "win32" or name.lower().endswith("_proxy") else name
    return known in _PASSED or known.startswith(_PASSED_PREFIXES)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) in _PORTS):
        raise UsageError(f"KIMI_PROXY_PORT is {text!r}, which is not a port (1 to 65535, or 0 for any).")
    return int(text)


def _seconds(environ: Mapping[str, str], name: str, *, default: float) -> float:
    text = environ.get(name, "").strip()
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise UsageError(f"{name} is {text!r}, which is not a number of seconds.")
    return seconds
