"""Every error that leaves this process before an answer has begun: Anthropic's form, a request id, no secrets."""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aiohttp import web

from kimi_cli.proxy.keys import REQUEST_ID, SESSION
from kimi_cli.proxy.refused import RefusedError
from kimi_cli.proxy.sessions import SECRET_LENGTH
from kimi_cli.wire.encode import error_body, error_headers
from kimi_cli.wire.failure import Failure, InvalidRequestError

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from kimi_cli.proxy.sessions import Session

_log = logging.getLogger(__name__)

UNFORESEEN: Final = Failure(500, "api_error", "The proxy failed on this request; its log names the request id.")
_KINDS: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
}
"""Error types by status; any other 4xx is an `invalid_request_error`, any 5xx an `api_error`."""
_CONCEALED: Final = "[redacted]"


def new_request_id() -> str:
    """An id in Anthropic's form; it stands in the answer and in the log."""
    return f"req_{secrets.token_hex(12)}"


def kind_of(status: int) -> str:
    """The error type that goes with a status."""
    return _KINDS.get(status, "invalid_request_error" if status < 500 else "api_error")


def answer(failure: Failure, *, request_id: str) -> web.Response:
    """The whole HTTP answer for a failure."""
    return web.Response(
        status=failure.status,
        body=error_body(failure, request_id),
        content_type="application/json",
        headers=error_headers(failure, request_id),
    )


@web.middleware
async def refuse_in_form(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost middleware: gives the request its id, and turns whatever is raised into an Anthropic error."""
    request_id = request[REQUEST_ID] = new_request_id()
    extra: dict[str, str] = {}
    try:
        return await handler(request)
    except (RefusedError, InvalidRequestError) as error:
        failure = error.failure
    except web.HTTPException as error:
        if error.status < 400:
            raise
        failure, extra = _from_http(error, request=request)
    except web.RequestPayloadError:
        failure = Failure(400, "invalid_request_error", "The request body is cut short or malformed.")
    except ConnectionError:  # the client is gone; there is nobody to answer
        raise
    except asyncio.CancelledError:
        reason = _interruption(request)
        if reason is None:
            raise
        failure = Failure(529, "overloaded_error", f"The proxy ended this session: {reason}.")
    except Exception:  # noqa: BLE001 - logged, and answered in form
        fields = {"request_id": request_id, "method": request.method, "path": request.path}
        if (served := request.get(SESSION)) is not None:
            fields["session"] = served.id
        _log.exception("request failed", extra={"fields": fields})
        failure = UNFORESEEN
    if request.writer.output_size > 0:
        # Part of an answer has left. A second status line inside it would be taken for content, so the line is cut,
        # which every client sees as a failure.
        raise ConnectionResetError("the answer had begun")
    if (session := request.get(SESSION)) is not None:
        failure = replace(failure, message=conceal_keys(failure.message, session))
    response = answer(failure, request_id=request_id)
    response.headers.update(extra)
    return response


def conceal_keys(text: str, session: Session) -> str:
    """The text without the session's keys, which a host may have put into its own words. A short one is no secret."""
    for key in session.keys:
        if len(key) >= SECRET_LENGTH:
            text = text.replace(key, _CONCEALED)
    return text


def _interruption(request: web.Request) -> str | None:
    """Why the request's session ended, where that is what cancelled it and an answer can still be given.

    A cancellation without such a reason means that the client has gone.
    """
    session: Session | None = request.get(SESSION)
    task = asyncio.current_task()
    if session is None or session.end_reason is None or task is None or request.writer.output_size > 0:
        return None
    task.uncancel()
    return session.end_reason


def _from_http(error: web.HTTPException, *, request: web.Request) -> tuple[Failure, dict[str, str]]:
    """Refusals of the framework itself: unknown path, wrong method, body too large and the like."""
    extra = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    match error.status:
        case 404:
            text = f"There is no {request.path} here."
        case 405:
            text = f"{request.path} does not take {request.method}."
        case 413:
            text = "The request body is too large."
        case _:
            text = error.reason
    retry = False if error.status < 500 and error.status != 408 else None
    return Failure(error.status, kind_of(error.status), text, should_retry=retry), extra
