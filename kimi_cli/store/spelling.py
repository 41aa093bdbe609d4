"""Words in a file written by hand that mean nothing to us, and what was probably meant."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_CLOSE: Final = 0.6
"""How alike two words must be for one to be offered for the other; `difflib`'s own measure and default."""
_SHOWN: Final = 60
"""Characters of a foreign word that are repeated."""
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def unknown_keys(
    path: Path,
    table: Iterable[str],
    *,
    known: Iterable[str],
    where: str = "",
    what: str = "setting",
    reasons: Mapping[str, str] = _NOTHING,
) -> tuple[str, ...]:
    """A sentence for each key of a table that is not `known`, in the table's order.

    `where` is the table's path, with a dot at its end. `reasons` holds, for keys that people try, what to say of them.
    """
    known = tuple(known)
    sentences = []
    for key in table:
        if key in known:
            continue
        close = closest(key, known)
        hint = f"; did you mean {close}?" if close else f"; known: {', '.join(known)}."
        reason = reasons.get(key.lower())
        said = f" {reason}" if reason else f" is not a {what}{hint}"
        sentences.append(f"{path}: {where}{shown(key)}{said}")
    return tuple(sentences)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one, if any is. Hyphens and underscores are the same."""
    from difflib import get_close_matches

    forms = {form.replace("-", "_"): form for form in known}
    found = get_close_matches(word[:_SHOWN].lower().replace("-", "_"), forms, n=1, cutoff=_CLOSE)
    return forms[found[0]] if found else None


def shown(text: str) -> str:
    """A foreign text as a terminal may show it: short, and without characters that could steer it."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    plain = short.isprintable() and short and not short.isspace()
    return short if plain else repr(short)
