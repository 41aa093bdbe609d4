"""Which names a provider of the user's own may have."""

from __future__ import annotations

import re
from typing import Final

from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.providers.search import ENGINES

_FORM: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
"""What stays itself as a word on a command line, in a file name, as a table in TOML, and as part of a variable."""
RESERVED: Final = frozenset(
    {"list", "add", "remove", "fallback", "rename", "show", "set", "use", "help", "none", "default"}
)
"""Words that stand, or may come to stand, where a provider's name does."""


def name_fault(name: str) -> str | None:
    """Why a provider of the user's own cannot have this name, as a clause about it; None where it can."""
    if not _FORM.fullmatch(name):
        return "it must be up to 32 small letters, digits and hyphens, and not begin with a hyphen"
    if name in PROVIDERS:
        return "a provider of the catalogue has it"
    if name in ENGINES:
        return "a search engine has it"
    if name in RESERVED:
        return "it is a word of the command line"
    return None


def default_variable(name: str) -> str:
    """The environment variable in which the key of such a provider is looked for, where none is named."""
    return f"{name.upper().replace('-', '_')}_API_KEY"
