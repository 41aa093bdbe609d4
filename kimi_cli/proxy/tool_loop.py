"""Requests that have tools of this side: which they are, and the loop that carries them out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from kimi_cli.engine.loop import Loop
from kimi_cli.engine.progress import Channel, Words
from kimi_cli.engine.toolboxes import Toolboxes
from kimi_cli.errors import NotConfiguredError
from kimi_cli.providers.tools import Level
from kimi_cli.proxy.formats import new_id
from kimi_cli.search.failure import SearchError
from kimi_cli.search.toolbox import SearchTools, search_tool, with_function
from kimi_cli.store.paths import Paths
from kimi_cli.wire.foreign import a_string, an_object, objects
from kimi_cli.wire.request import answer_schema

if TYPE_CHECKING:
    from kimi_cli.engine.loop import Model
    from kimi_cli.engine.toolbox import Toolbox
    from kimi_cli.proxy.sessions import Session
    from kimi_cli.proxy.web import Web
    from kimi_cli.search.query import Engine
    from kimi_cli.tools.toolbox import LocalTools
    from kimi_cli.wire.foreign import JsonObject


def loop_for(body: JsonObject, session: Session, *, model: Model, web: Web, can_force: bool) -> Loop | None:
    """The loop of a request that wants tools of this side; None for all others. `can_force` is of the host's model."""
    choice = session.route.tools
    toolboxes: list[Toolbox] = []
    channel = Channel.OFF
    search = search_tool(body)
    if _wants_local(body, session):
        local = _local_tools(session)
        toolboxes.append(local)
        body = _with_definitions(body, local.definitions)
        channel = Channel(choice.progress.value)
    if search is not None:
        toolboxes.append(_search_tools(search, session, web))
        body = with_function(body, can_force=can_force)
    if not toolboxes:
        return None
    return Loop(
        body,
        model=model,
        toolbox=Toolboxes(*toolboxes),
        new_id=new_id,
        words=Words.from_mapping(dict(choice.words), emoji=choice.emoji),
        channel=channel,
        steps=choice.steps,
        remember=session.memory.keep,
    )


def _wants_local(body: JsonObject, session: Session) -> bool:
    """Whether the model may use the session's tools.

    Claude Code also asks for summaries and titles, without any tools, and for answers of a given form; those are to
    stay as they are.
    """
    choice = session.route.tools
    if choice.level is Level.OFF or an_object(body.get("tool_choice")).get("type") == "none":
        return False
    if choice.offers_always and answer_schema(body) is None:
        return True
    return any("input_schema" in tool for tool in objects(body.get("tools")))


def _local_tools(session: Session) -> LocalTools:
    """The session's tools, which keep what is theirs from request to request."""
    if session.local_tools is None:
        # Hardly any session has them, so they are loaded for the first that does.
        from kimi_cli.proxy.public_web import PublicWeb
        from kimi_cli.tools.place import Place
        from kimi_cli.tools.toolbox import LocalTools

        choice = session.route.tools
        place = Place(Path(choice.directory), closed=_own_directories())
        session.local_tools = LocalTools(
            place, all_of_them=choice.level is Level.ALL, environ=os.environ, fetch=PublicWeb()
        )
    return session.local_tools


def _own_directories() -> tuple[Path, ...]:
    """Where keys and tokens of ours lie; no tool that opens files goes there."""
    try:
        paths = Paths.find(os.environ)
    except NotConfiguredError:
        return ()
    return (paths.config_dir, paths.log_dir, paths.runtime_dir, paths.usage_dir)


def _with_definitions(body: JsonObject, definitions: list[JsonObject]) -> JsonObject:
    """The request with the tools that it does not offer itself; those that it does are described as the client does."""
    tools = objects(body.get("tools"))
    offered = {a_string(tool.get("name")) for tool in tools}
    return {**body, "tools": [*tools, *(one for one in definitions if one["name"] not in offered)]}


def _search_tools(tool: JsonObject, session: Session, web: Web) -> SearchTools:
    from kimi_cli.search.engines import engine_of

    engine: Engine | None = None
    missing: SearchError | None = None
    try:
        engine = engine_of(session.route.search, web, environ=os.environ)
    except SearchError as error:
        missing = error
    return SearchTools(tool, engine, missing=missing)
