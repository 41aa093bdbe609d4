"""The message endpoints: a request is read, and handed to an exchange with the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from kimi_cli.proxy.exchange import Exchange
from kimi_cli.proxy.intake import read_body
from kimi_cli.proxy.keys import REQUEST_ID, SESSION
from kimi_cli.wire.codec import NotJsonError, loads_object
from kimi_cli.wire.failure import InvalidRequestError
from kimi_cli.wire.request import check_request
from kimi_cli.wire.tokens import estimate_request

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject


def add_message_routes(app: web.Application) -> None:
    """Register what answers messages; queries such as `?beta=true` do not matter."""
    for path in ("/v1/messages", "/messages"):
        app.router.add_post(path, post_message)
        app.router.add_post(f"{path}/count_tokens", count_tokens)


async def post_message(request: web.Request) -> web.StreamResponse:
    """`POST /v1/messages`, streaming or not, for hosts of either format."""
    body = await _read(request)
    session = request[SESSION]
    with session.attached():
        return await Exchange(request, session, body).run()


async def count_tokens(request: web.Request) -> web.StreamResponse:
    """`POST /v1/messages/count_tokens`: our estimate; no host is asked."""
    body = await _read(request)
    return web.json_response({"input_tokens": estimate_request(body)}, headers={"request-id": request[REQUEST_ID]})


async def _read(request: web.Request) -> JsonObject:
    """The request's JSON, with what every request has.

    Raises:
        InvalidRequestError: it is not that.
    """
    try:
        body = loads_object(await read_body(request))
    except NotJsonError as error:
        raise InvalidRequestError(f"The request body is not valid JSON: {error}") from error
    check_request(body)
    return body
