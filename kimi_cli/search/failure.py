"""Why a search came to nothing."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Anthropic's codes of a `web_search_tool_result_error`."""

    INVALID_INPUT = "invalid_tool_input"
    UNAVAILABLE = "unavailable"
    MAX_USES = "max_uses_exceeded"
    TOO_MANY = "too_many_requests"
    TOO_LONG = "query_too_long"


class SearchError(Exception):
    """It did not search. `str` is one sentence; `detail` is what else the model and its user may want to know.

    `fix` is the command that helps. Only the sentence may be logged: the detail may hold what was searched for.
    """

    def __init__(self, code: Code, sentence: str, *, detail: str = "", fix: str = "") -> None:
        super().__init__(sentence)
        self.code, self.detail, self.fix = code, detail, fix

    @property
    def told(self) -> str:
        """The sentence, with what is known beside it."""
        more = "; ".join(filter(None, (self.detail, self.fix)))
        return f"{self} ({more})" if more else str(self)


def refused(name: str, status: int, *, fix: str) -> SearchError:
    """What a status of an engine means, where it is not 200."""
    match status:
        case 401 | 403:
            return SearchError(Code.UNAVAILABLE, f"{name} does not accept the key.", fix=fix)
        case 402 | 432 | 433:
            return SearchError(Code.UNAVAILABLE, f"The plan at {name} is used up.", fix=fix)
        case 429:
            return SearchError(Code.TOO_MANY, f"{name} gets too many searches; later it may answer again.")
        case _:
            return SearchError(Code.UNAVAILABLE, f"{name} answered HTTP {status}.")


def unreadable(name: str) -> SearchError:
    """It answered with something that is no list of results."""
    return SearchError(Code.UNAVAILABLE, f"{name} sent an answer that cannot be read.")
