"""What a failure of the connection to a host amounts to, in a sentence and in the status that a client acts on.

Nothing in a sentence comes from the request, so no key can be in it. What may be over in a moment is a 5xx, which
clients try again; what somebody has to do something about is final.
"""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path
from typing import Final

import aiohttp

from kimi_cli.wire.failure import FINAL, Failure
from kimi_cli.wire.failures import hints
from kimi_cli.wire.failures.advice import NO_ADVICE, Advice

CA_VARIABLE: Final = "SSL_CERT_FILE"
"""Names the file of certificate authorities that are trusted, for OpenSSL and so for us."""

# OpenSSL's numbers of what is wrong with a certificate (`X509_V_ERR_...`).
_NOT_YET: Final = frozenset({9})
_EXPIRED: Final = frozenset({10})
_SELF_SIGNED: Final = frozenset({18})
_UNKNOWN_ISSUER: Final = frozenset({2, 19, 20, 21})
_WRONG_NAME: Final = frozenset({62, 64})
_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"})
"""OpenSSL's reasons where what comes back is no TLS at all."""
_TEMPORARY: Final = 500
"""Statuses of a web proxy from here on may be over in a moment."""


def failure_of(error: Exception, host: str, advice: Advice = NO_ADVICE) -> Failure:
    """What a failure of the connection amounts to."""
    match error:
        case aiohttp.ClientConnectorCertificateError(certificate_error=ssl.SSLCertVerificationError() as reason):
            return _untrusted(reason, host, advice)
        case ssl.SSLCertVerificationError():
            return _untrusted(error, host, advice)
        case aiohttp.ClientConnectorSSLError(os_error=ssl.SSLError() as reason):
            return _unencrypted(reason, host, advice)
        case ssl.SSLError():
            return _unencrypted(error, host, advice)
        case aiohttp.ClientSSLError():
            return Failure(500, "api_error", f"No encrypted connection to {host} could be made.")
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            text = f"{host} cannot be found: its name does not resolve. Is the network there? {hints.base_url(advice)}"
            return Failure(500, "api_error", text)
        case aiohttp.ServerTimeoutError() | TimeoutError():
            return Failure(504, "timeout_error", f"{host} did not answer in time.")
        case aiohttp.ClientHttpProxyError(status=status):
            return _refused_by_proxy(status, host)
        case aiohttp.ClientProxyConnectionError():
            text = f"The web proxy on the way to {host} cannot be reached; HTTPS_PROXY names it."
            return Failure(500, "api_error", text)
        case aiohttp.ClientConnectorError() | ConnectionRefusedError():
            return Failure(500, "api_error", f"{host} cannot be reached: the connection was refused.")
        case aiohttp.InvalidURL():
            return _final(f"{host} has a base URL that cannot be used. {hints.base_url(advice)}")
        case _:
            return Failure(500, "api_error", f"The connection to {host} broke off.")


def _final(text: str) -> Failure:
    return Failure(FINAL, "api_error", text, should_retry=False)


def _untrusted(error: ssl.SSLCertVerificationError, host: str, advice: Advice) -> Failure:
    code = getattr(error, "verify_code", 0)  # the HTTP client's own have none
    if code in _EXPIRED:
        reason = "its TLS certificate has expired. Is this machine's clock right?"
    elif code in _NOT_YET:
        reason = "its TLS certificate is not valid yet. Is this machine's clock right?"
    elif code in _WRONG_NAME:
        reason = f"its TLS certificate is for another name. {hints.base_url(advice)}"
    elif code in _SELF_SIGNED:
        reason = f"its TLS certificate is self-signed. {_authority()}"
    elif code in _UNKNOWN_ISSUER:
        reason = f"its TLS certificate comes from an authority that is not known here. {_authority()}"
    else:
        said = getattr(error, "verify_message", "")
        reason = f"its TLS certificate was not accepted{f' ({said})' if said else ''}."
    return _final(f"{host} cannot be trusted: {reason}")


def _authority() -> str:
    """How to make an authority known. A company's own signs for every host that its web proxy looks into."""
    named, anew = os.environ.get(CA_VARIABLE), "and start anew after: kimi stop"
    if named and not Path(named).is_file():
        return f"{CA_VARIABLE} names {named}, which is no file; set it right, {anew}"
    if named:
        return f"{CA_VARIABLE} names {named}, which does not have the authority; add it there, {anew}"
    return f"Where a company looks into connections, set {CA_VARIABLE} to the file of its authority, {anew}"


def _unencrypted(error: ssl.SSLError, host: str, advice: Advice) -> Failure:
    why = getattr(error, "reason", None) or ""
    if why in _NO_TLS:
        return _final(f"{host} does not speak TLS, or something on the way does not. {hints.base_url(advice)}")
    reason = f" ({why.replace('_', ' ').lower()})" if why else ""
    return Failure(500, "api_error", f"No encrypted connection to {host} could be made{reason}.")


def _refused_by_proxy(status: int, host: str) -> Failure:
    text = f"The web proxy on the way to {host} refused: HTTP {status}."
    if status >= _TEMPORARY:
        return Failure(500, "api_error", text)
    if status == 407:
        return _final(f"{text} It wants a name and a password: HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT")
    return _final(f"{text} NO_PROXY names hosts that are reached without it.")
