"""Kimi's own tool-call tokens, where a host lets them through as text instead of turning them into calls.

    <|tool_calls_section_begin|><|tool_call_begin|>functions.NAME:INDEX<|tool_call_argument_begin|>{...}<|tool_call_end|>
    <|tool_calls_section_end|>

They come in content or in reasoning, with or without text around them, and cut anywhere. What is taken for a call:
- The section's name may be in the singular. Its ends may be missing, and so may the end of a call that another token
  follows. White space between the tokens, and behind the last one, belongs to them.
- `functions.` and `:INDEX` may be missing. The name is what is left, dots included. The token before the arguments may
  be missing where they begin like an object or a code block.
- Arguments that begin like an object end where it does: tokens inside its strings are part of them. Where it never
  does, they end at the first token that ends a call, and go to the client as they are.

What is not:
- Tokens in a code block or a code span are quoted. They stay text, so that nobody carries out an example.
- So do tokens that form no call: a section that goes on with words, a call without a name.
- An end without a beginning, a section without a call, and one that is left open while the answer goes on elsewhere
  say nothing, and are left out.

A call that is cut off at the end is neither made nor shown as text nor passed over: `cut` names it, and the answer is
no answer. Where its arguments are a whole object by then, only its end is missing, and it is made.

K3 writes its calls in tags instead (`xtml`), to which the same applies. Tags of its channels are left out, and what
stands in a channel is taken for what it is: an answer in the reasoning is text, and reasoning in the answer is not.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from kimi_cli.wire.arguments import mend
from kimi_cli.wire.markup import (
    END,
    HEAD,
    HEAD_LIMIT,
    OPENING,
    TOKEN,
    Arguments,
    held_from,
    is_tag,
    may_be_head,
    space_to,
)
from kimi_cli.wire.quoting import Quoting
from kimi_cli.wire.rawcall import RawCall
from kimi_cli.wire.xtml import Section, is_torn

if TYPE_CHECKING:
    from collections.abc import Sequence

_SEEN_LIMIT: Final = 1_024
"""Pieces of text that are set aside before they are looked at for quotes, so that each costs next to nothing."""
_LONG: Final = 256
"""Characters of a piece that is looked at without delay, so that little text is set aside."""


class Aside(NamedTuple):
    """Text of the other channel: of the answer, in the reasoning, or the other way round."""

    text: str


Piece: TypeAlias = str | Aside | RawCall


class _At(Enum):
    """Where in a run of tokens the scanner is."""

    TOKENS = auto()
    """Between calls, or where one may begin."""
    HEAD = auto()
    ARGUMENTS = auto()
    TAGS = auto()
    """Between or in calls that are written in tags."""


class CallScanner:
    """Takes text in pieces; `feed` and `finish` return the text without tokens, and the calls in it, in order.

    What comes out does not depend on how the text was cut. Text leaves at once, but for an end that may turn out to be
    part of a token. A call is held until it is whole. After `finish`, `cut` is the name of a call that is not, or an
    empty string where only its section had begun. `channel` is the one that the text is of.
    """

    def __init__(self, channel: Literal["think", "response"] = "response") -> None:
        self._channel = channel
        self._is_aside = False
        self._section = Section()
        self._at: _At | None = None  # in text
        self._held = ""
        self._quoting = Quoting()
        self._seen: list[str] = []
        self._opening: list[str] = []
        self._follows_call = False
        self._name = ""
        self._arguments = Arguments()
        self._counts_brackets = True
        self.cut: str | None = None

    def feed(self, text: str) -> Sequence[Piece]:
        """What is certain after this piece."""
        if self._at is None:
            if self._held:
                text, self._held = self._held + text, ""
            if "<" not in text or "<|" not in text:
                if text[-1:] == "<":
                    text, self._held = text[:-1], "<"
                self._seen.append(text)
                if len(self._seen) > _SEEN_LIMIT or len(text) > _LONG:
                    self._quotes()
                if self._is_aside:
                    return (Aside(text),) if text else ()
                return (text,) if text else ()
        return self._read(text, [])

    def release(self) -> list[Piece]:
        """The text that is held, because the answer goes on elsewhere; a call that has begun can still go on here."""
        found: list[Piece] = []
        if self._at is None:
            held, self._held = self._held, ""
            self._show(held, found)
        elif not self._held and (self._at is _At.TOKENS or (self._at is _At.TAGS and self._section.is_between)):
            self._leave()
        return found

    def finish(self) -> list[Piece]:
        """What was held and turned out to be text, or a call, after all."""
        found: list[Piece] = []
        while self._at is _At.ARGUMENTS:
            if not self._end_arguments(found):
                self.cut = self._name
                return found
        if self._at is _At.TAGS and self._follows_call:
            self._opening.clear()  # the ends of calls that were made
        opening = "".join(self._opening)
        if not self._section.is_between:
            self.cut = self._section.name
        elif self._at is _At.HEAD or opening.strip():
            head = self._held if self._at is _At.HEAD else ""
            self.cut = head.partition("<")[0].strip()
        elif not (self._held.startswith(OPENING) and self._follows_call) and not is_torn(self._held):
            self._show(opening + self._held, found)
        return found

    def _read(self, text: str, found: list[Piece]) -> list[Piece]:
        text, self._held = self._held + text, ""
        at = 0
        while at < len(text):
            match self._at:
                case None:
                    at = self._read_text(text, at, found)
                case _At.TOKENS:
                    at = self._read_tokens(text, at, found)
                case _At.HEAD:
                    at = self._read_head(text, at, found)
                case _At.ARGUMENTS:
                    at = self._read_arguments(text, at, found)
                case _At.TAGS:
                    at = self._read_tags(text, at, found)
        return found

    def _read_text(self, text: str, at: int, found: list[Piece]) -> int:
        for token in TOKEN.finditer(text, at):
            self._show(text[at : token.start()], found)
            at = token.start()
            if token["arguments"] is not None or self._quotes():
                continue
            if token["calls"] is not None:
                self._at, self._section = _At.TAGS, Section()
                return at
            if not is_tag(token):
                self._at = _At.TOKENS
                return at
            self._turn(token["begun"], token["ended"])
            at = token.end()
        stop = held_from(text, at)
        self._show(text[at:stop], found)
        self._held = text[stop:]
        return len(text)

    def _read_tokens(self, text: str, at: int, found: list[Piece]) -> int:
        start = space_to(text, at)
        if start > at and (self._opening or not self._follows_call):
            self._opening.append(text[at:start])
        token = TOKEN.match(text, start)
        if token is None and held_from(text, start) == start:
            self._held = text[start:]
            return len(text)
        if token is None or token["arguments"] is not None or is_tag(token):
            self._abandon(found)
            return start
        if token["end"] is not None:
            self._opening.clear()
        else:
            self._opening.append(token[0])
            self._at = _At.TOKENS if token["section"] is not None else _At.HEAD
        return token.end()

    def _read_head(self, text: str, at: int, found: list[Piece]) -> int:
        head = HEAD.match(text, at)
        if head is not None and head.end() - at <= HEAD_LIMIT:
            self._name = head["name"]
            self._arguments = Arguments(counts_brackets=self._counts_brackets)
            self._at = _At.ARGUMENTS
            return head.end()
        if head is None and may_be_head(text, at):
            self._held = text[at:]
            return len(text)
        self._abandon(found)
        return at

    def _read_arguments(self, text: str, at: int, found: list[Piece]) -> int:
        stop = held_from(text, at)
        end = self._arguments.feed(text, at, stop)
        if end < stop:
            self._end_call(self._arguments.text, found)
            return end
        self._held = text[stop:]
        return len(text)

    def _read_tags(self, text: str, at: int, found: list[Piece]) -> int:
        was_between = self._section.is_between
        read = self._section.read(text, at)
        if read is None:
            if self._follows_call:
                self._leave()
            else:
                self._abandon(found)
            return at
        end, made = read
        if was_between:
            self._opening.append(text[at:end])
        if isinstance(made, RawCall):
            found.append(made)
            self._follows_call = True
            self._opening.clear()
        elif made is not None:
            self._show("".join(self._opening) + made, found)
            self._opening.clear()
        elif end == at:
            self._held = text[at:]
            return len(text)
        return end

    def _turn(self, begun: str | None, ended: str | None) -> None:
        """Go on in another channel, where one of the two begins or ends."""
        if begun in {"think", "response"}:
            self._is_aside = begun != self._channel
        elif ended in {"think", "response"}:
            self._is_aside = False

    def _end_arguments(self, found: list[Piece]) -> bool:
        """Make a call of arguments that nothing more will come of; whether that can be done."""
        whole, rest = self._arguments.text, ""
        if not self._arguments.is_balanced and (token := END.search(whole)):
            # Their brackets do not match. Nor need those of what follows, which would be held again and again.
            self._counts_brackets = False
            whole, rest = whole[: token.start()], whole[token.start() :] + self._held
        elif not whole.strip() or mend(whole) is None:
            return False
        self._held = ""
        self._end_call(whole, found)
        self._read(rest, found)
        return True

    def _end_call(self, arguments: str, found: list[Piece]) -> None:
        found.append(RawCall(self._name, arguments.strip()))
        self._opening.clear()
        self._follows_call = True
        self._at = _At.TOKENS

    def _abandon(self, found: list[Piece]) -> None:
        """Go on with text; tokens that have led to no call were text as well."""
        opening = "".join(self._opening)
        self._leave()
        self._show(opening, found)

    def _leave(self) -> None:
        self._at = None
        self._opening.clear()
        self._follows_call = False

    def _show(self, text: str, found: list[Piece]) -> None:
        if text:
            self._seen.append(text)
            found.append(Aside(text) if self._is_aside else text)

    def _quotes(self) -> bool:
        """Whether what comes now is quoted. Text is read no sooner than that, or a good deal of it at once."""
        self._quoting.feed("".join(self._seen))
        self._seen.clear()
        return self._quoting.is_open
