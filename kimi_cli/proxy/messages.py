"""The message endpoints: a request is read, and handed to an exchange with the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from kimi_cli.proxy.exchange import Exchange
from kimi_cli.proxy.guard import UNAUTHENTICATED
from kimi_cli.proxy.intake import await_invitation, read_body
from kimi_cli.proxy.keys import ESTIMATES, REQUEST_ID, SESSION, SESSIONS, TRANSCRIPTS
from kimi_cli.proxy.refused import RefusedError
from kimi_cli.proxy.trace import Trace
from kimi_cli.wire.codec import NotJsonError
from kimi_cli.wire.failure import Failure, InvalidRequestError
from kimi_cli.wire.foreign import a_string
from kimi_cli.wire.request import check_request
from kimi_cli.wire.tokens import measure

if TYPE_CHECKING:
    from kimi_cli.proxy.sessions import Session
    from kimi_cli.wire.prompt import Prompt
    from kimi_cli.wire.transcripts import Transcripts

_FINISHING: Final = Failure(529, "overloaded_error", "The proxy is ending: it only finishes the answers in flight.")


def add_message_routes(app: web.Application) -> None:
    """Register what answers messages; queries such as `?beta=true` do not matter."""
    for path in ("/v1/messages", "/messages"):
        app.router.add_post(path, post_message, expect_handler=await_invitation)
        app.router.add_post(f"{path}/count_tokens", count_tokens, expect_handler=await_invitation)


async def post_message(request: web.Request) -> web.StreamResponse:
    """`POST /v1/messages`, streaming or not, for hosts of either format."""
    session = request[SESSION]
    if request.app[SESSIONS].is_finishing:
        raise RefusedError(_FINISHING)
    exchange = await _begin(request, session)
    with session.attached():
        return await exchange.run()


async def count_tokens(request: web.Request) -> web.StreamResponse:
    """`POST /v1/messages/count_tokens`: our estimate; no host is asked."""
    session = request[SESSION]
    data = await _received(request, session)
    prompt = _read(data, request.app[TRANSCRIPTS], session)
    model = session.route.model_for(a_string(prompt.body.get("model")))
    size = measure(prompt, vision=model.vision)
    tokens = request.app[ESTIMATES].tokens(session.route, model.id, size)
    return web.json_response({"input_tokens": tokens}, headers={"request-id": request[REQUEST_ID]})


async def _begin(request: web.Request, session: Session) -> Exchange:
    """The exchange for a request that has arrived; its raw bytes are let go here."""
    trace = Trace.of(request, session)
    try:
        data = await _received(request, session)
        if trace is not None:
            trace.received(data)
        return Exchange(request, session, _read(data, request.app[TRANSCRIPTS], session), trace=trace)
    except BaseException as error:
        if trace is not None:
            if isinstance(error, InvalidRequestError):
                trace.refused(error.failure)
            trace.end()
        raise


async def _received(request: web.Request, session: Session) -> bytes:
    """A request's body.

    Raises:
        RefusedError: its session ended while it was on its way.
    """
    data = await read_body(request)
    if session.end_reason is not None:
        raise RefusedError(UNAUTHENTICATED)
    return data


def _read(data: bytes, transcripts: Transcripts, session: Session) -> Prompt:
    """A request, with what every request has.

    Raises:
        InvalidRequestError: it is not that.
    """
    try:
        prompt = transcripts.read(data, owner=session.id)
    except NotJsonError as error:
        raise InvalidRequestError(f"The request body is not valid JSON: {error}") from error
    check_request(prompt.body)
    return prompt
