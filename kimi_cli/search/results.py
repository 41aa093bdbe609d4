"""A list of results as most engines send it."""

from __future__ import annotations

from kimi_cli.search.failure import unreadable
from kimi_cli.search.query import Hit
from kimi_cli.wire.codec import NotJsonError, loads_object
from kimi_cli.wire.foreign import a_string, objects


def read_results(body: bytes, *, engine: str, age: str, results: str = "results", text: str = "content") -> list[Hit]:
    """The pages in an answer, each with `url` and `title`; the others are the names of fields, `age` is a page's date.

    Raises:
        SearchError: it is no such answer.
    """
    try:
        answer = loads_object(body)
    except NotJsonError as error:
        raise unreadable(engine) from error
    if not isinstance(answer.get(results), list):
        raise unreadable(engine)
    return [
        Hit(
            a_string(one.get("url")),
            a_string(one.get("title")),
            a_string(one.get(text)),
            a_string(one.get(age)) or None,
        )
        for one in objects(answer[results])
    ]
