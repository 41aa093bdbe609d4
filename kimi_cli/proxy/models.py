"""`GET /v1/models` and `GET /v1/models/{id}`: the session's models in Anthropic's form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from kimi_cli.proxy.intake import await_invitation
from kimi_cli.proxy.keys import SESSION
from kimi_cli.proxy.refused import RefusedError
from kimi_cli.wire.failure import Failure

if TYPE_CHECKING:
    from kimi_cli.providers.model import Model

_EPOCH: Final = "1970-01-01T00:00:00Z"
"""Anthropic's value for a release date that is not known."""
_PAGE: Final = 20
_PAGE_LIMIT: Final = 1000


def add_model_routes(app: web.Application) -> None:
    """Adds both; an id may contain slashes, as those of several hosts do."""
    app.router.add_get("/v1/models", list_models, expect_handler=await_invitation)
    app.router.add_get("/v1/models/{id:.+}", show_model, expect_handler=await_invitation)


async def list_models(request: web.Request) -> web.Response:
    """One page of the session's models, the main one first. `limit`, `after_id` and `before_id` are Anthropic's."""
    models = list(request[SESSION].route.models)
    ids = [model.id for model in models]
    limit = _limit(request.query.get("limit"))
    after, before = request.query.get("after_id"), request.query.get("before_id")
    if before in ids:
        rest = models[: ids.index(before)]
        page, has_more = rest[-limit:], len(rest) > limit
    else:
        rest = models[ids.index(after) + 1 :] if after in ids else models
        page, has_more = rest[:limit], len(rest) > limit
    return web.json_response(
        {
            "data": [_to_json(model) for model in page],
            "has_more": has_more,
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
        }
    )


async def show_model(request: web.Request) -> web.Response:
    """One of the session's models."""
    wanted = request.match_info["id"]
    for model in request[SESSION].route.models:
        if model.id == wanted:
            return web.json_response(_to_json(model))
    raise RefusedError(Failure(404, "not_found_error", f"model: {wanted}", should_retry=False))


def _limit(text: str | None) -> int:
    if text is None:
        return _PAGE
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _PAGE_LIMIT:
        message = f"limit: must be a number from 1 to {_PAGE_LIMIT}"
        raise RefusedError(Failure(400, "invalid_request_error", message, should_retry=False))
    return int(text)


def _to_json(model: Model) -> dict[str, object]:
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.display_name,
        "created_at": _EPOCH,
        "lifecycle": "active",
        "max_input_tokens": model.context_window,
        "max_tokens": model.max_output,
    }
