"""Which texts are ids of models."""

from __future__ import annotations

import re
from typing import Final

from kimi_cli.errors import UsageError

_FORM: Final = re.compile(r"[\x21-\x7e]{1,200}")
"""Ids go into files, headers and onto the screen, so they are kept plain."""


def clean_model_id(text: str, *, fix: str) -> str:
    """The id that a user typed or pasted, without the white space around it.

    Raises:
        UsageError: it is none; `fix` is the command in its right form.
    """
    model_id = text.strip()
    if not model_id:
        raise UsageError("A model needs an id.", fix=fix)
    if not _FORM.fullmatch(model_id):
        raise UsageError("A model's id has up to 200 visible characters and no spaces.", fix=fix)
    return model_id
