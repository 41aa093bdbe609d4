"""Where handlers find what the whole application shares, and what the guard found out about a request."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from kimi_cli.media.preparation import Media
from kimi_cli.proxy.estimates import Estimates
from kimi_cli.proxy.lifetime import Lifetime
from kimi_cli.proxy.owners import OwnerWatch
from kimi_cli.proxy.record import Recorder
from kimi_cli.proxy.recovery import Recovery
from kimi_cli.proxy.sessions import Session, Sessions
from kimi_cli.proxy.upstream import Upstream
from kimi_cli.proxy.web import Web
from kimi_cli.store.ledger import Ledger
from kimi_cli.store.state import ProxyState
from kimi_cli.wire.transcripts import Transcripts

STATE: Final = web.AppKey("STATE", ProxyState)
"""This process: instance id, version, port, control token."""
STARTED_AT: Final = web.AppKey("STARTED_AT", float)
"""On the clock of `time.monotonic`."""
SESSIONS: Final = web.AppKey("SESSIONS", Sessions)
OWNERS: Final = web.AppKey("OWNERS", OwnerWatch)
LIFETIME: Final = web.AppKey("LIFETIME", Lifetime)
RECORDER: Final = web.AppKey("RECORDER", Recorder)
"""Where bodies are recorded, for sessions that ask for it."""
LEDGER: Final = web.AppKey("LEDGER", Ledger)
"""Where usage is recorded, if it is."""
UPSTREAM: Final = web.AppKey("UPSTREAM", Upstream)
"""The one client for all hosts: no cookies, no limit on connections, no total timeout."""

MEDIA: Final = web.AppKey("MEDIA", Media)
"""Reads documents and fits images, for all sessions."""
ESTIMATES: Final = web.AppKey("ESTIMATES", Estimates)
TRANSCRIPTS: Final = web.AppKey("TRANSCRIPTS", Transcripts)
"""What sessions have sent last, so that only what is new is read of what they send next."""
RECOVERY: Final = web.AppKey("RECOVERY", Recovery)
WEB: Final = web.AppKey("WEB", Web)
"""The way to search engines."""

SESSION: Final = web.RequestKey("SESSION", Session)
"""The session that a request's token belongs to; set by the guard on everything but open and control endpoints."""
REQUEST_ID: Final = web.RequestKey("REQUEST_ID", str)
"""`req_...`, set before anything else happens to a request."""
