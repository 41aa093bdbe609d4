"""Every way in which a connection fails has a sentence, and a status that says whether to try again."""

from __future__ import annotations

import errno
import inspect
import socket
import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from kimi_cli.proxy.connection_failure import failure_of
from kimi_cli.wire.failures.advice import Advice

if TYPE_CHECKING:
    from pathlib import Path

ADVICE = Advice(provider="groq", base_url="https://api.test/v1")
CHANGE = "Is https://api.test/v1 the right base URL? To change it: kimi provider groq --base-url URL"
KEY = ConnectionKey("api.test", 443, True, True, None, None, None)


def bad_certificate(code: int, message: str = "no") -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


def bad_tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


@pytest.fixture(autouse=True)
def _no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has named a file of them."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)


FINAL = {
    "expired": (bad_certificate(10), "TLS certificate has expired. Is this machine's clock right?"),
    "not yet": (bad_certificate(9), "TLS certificate is not valid yet. Is this machine's clock right?"),
    "wrong name": (bad_certificate(62), f"TLS certificate is for another name. {CHANGE}"),
    "wrong address": (bad_certificate(64), f"TLS certificate is for another name. {CHANGE}"),
    "self-signed": (bad_certificate(18), "TLS certificate is self-signed. Where a company looks into connections, set"),
    "unknown authority": (bad_certificate(20), "comes from an authority that is not known here. Where a company"),
    "its authority is": (bad_certificate(19), "comes from an authority that is not known here. Where a company"),
    "something else": (bad_certificate(23, "certificate revoked"), "was not accepted (certificate revoked)."),
    "no TLS": (
        aiohttp.ClientConnectorSSLError(KEY, bad_tls("WRONG_VERSION_NUMBER")),
        f"does not speak TLS, .*{CHANGE}",
    ),
    "login": (aiohttp.ClientHttpProxyError(None, (), status=407), "refused: HTTP 407. It wants a name and a password"),
    "policy": (aiohttp.ClientHttpProxyError(None, (), status=403), "refused: HTTP 403. NO_PROXY names hosts"),
    "no address": (aiohttp.InvalidURL("http://["), f"has a base URL that cannot be used. {CHANGE}"),
}
PASSING = {
    "handshake": (bad_tls("SSLV3_ALERT_HANDSHAKE_FAILURE"), "could be made (sslv3 alert handshake failure)."),
    "name": (aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-3, "later")), f"Is the network there? {CHANGE}"),
    "bare name": (socket.gaierror(-2, "no"), "its name does not resolve."),
    "web proxy": (aiohttp.ClientProxyConnectionError(KEY, OSError(errno.ECONNREFUSED, "no")), "HTTPS_PROXY names it."),
    "web proxy fails": (aiohttp.ClientHttpProxyError(None, (), status=502), "refused: HTTP 502."),
    "refused": (aiohttp.ClientConnectorError(KEY, OSError(errno.ECONNREFUSED, "no")), "the connection was refused."),
    "broken": (aiohttp.ServerDisconnectedError(), "The connection to Groq broke off."),
}


@pytest.mark.parametrize("name", FINAL)
def test_what_somebody_has_to_do_something_about(name: str) -> None:
    """It is told once, with what to do, and with a status at which the client does not speak of passing faults."""
    error, words = FINAL[name]
    failures = [failure_of(error, "Groq", ADVICE)]
    if isinstance(error, ssl.SSLCertVerificationError):
        failures.append(failure_of(aiohttp.ClientConnectorCertificateError(KEY, error), "Groq", ADVICE))
    for failure in failures:
        assert (failure.status, failure.kind, failure.should_retry) == (424, "api_error", False)
        for part in words.split(".*"):
            assert part in failure.message
        assert failure.message.count("Groq") == 1


@pytest.mark.parametrize("name", PASSING)
def test_what_may_be_over_in_a_moment(name: str) -> None:
    """The client tries again."""
    error, words = PASSING[name]
    failure = failure_of(error, "Groq", ADVICE)
    assert (failure.status, failure.kind, failure.should_retry) == (500, "api_error", None)
    assert words in failure.message


def test_what_a_variable_says_of_authorities(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file that is named, where it is missing and where it does not help."""
    file = tmp_path / "ca.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    message = failure_of(bad_certificate(20), "Groq").message
    assert message.endswith(
        f"SSL_CERT_FILE names {file}, which is no file; set it right, and start anew after: kimi stop"
    )
    file.touch()
    message = failure_of(bad_certificate(20), "Groq").message
    assert f"SSL_CERT_FILE names {file}, which does not have the authority; add it there" in message


def test_every_exception_of_the_client_has_a_sentence() -> None:
    """Whatever kind of exception comes, there is a failure, and nothing of the exception's own words in it."""
    kinds = [kind for kind in vars(aiohttp).values() if inspect.isclass(kind) and issubclass(kind, aiohttp.ClientError)]
    assert len(kinds) > 20
    for kind in kinds:
        error = kind.__new__(kind)
        error.args = (KEY, OSError("sk-secret1234"))
        error.status, error._conn_key, error._os_error, error._certificate_error = (
            500,
            KEY,
            OSError("sk-secret1234"),
            None,
        )
        assert "secret" not in failure_of(error, "Groq").message
    assert failure_of(TimeoutError("sk-secret1234"), "Groq").status == 504
    assert "secret" not in failure_of(aiohttp.ClientOSError(1, "sk-secret1234"), "Groq").message
