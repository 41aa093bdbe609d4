"""How the tests of this room ask, and how their host answers."""

from __future__ import annotations

import json

from aiohttp import web

from kimi_cli.hosts.models import fetch_models

KEY = "gsk_very-secret-key"


def answering(body, *, status=200, content_type="application/json", **headers):
    """A handler that always gives this answer."""
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    data = text if isinstance(text, bytes) else text.encode()

    async def answer(request):
        return web.Response(body=data, status=status, content_type=content_type, headers=headers)

    return answer


def ask(host, **more):
    return fetch_models(host.url, key=KEY, timeout=10, **more)
