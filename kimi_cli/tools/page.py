"""A web page as text, with its headings, lists, links and code."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNSEEN: Final = frozenset(("script", "style", "noscript", "template", "svg", "head", "iframe", "canvas", "object"))
_PARAGRAPHS: Final = frozenset(
    (
        *("p", "div", "section", "article", "main", "header", "footer", "nav", "aside", "table", "ul", "ol", "dl"),
        *("blockquote", "figure", "form", "fieldset", "address", "pre", "details", "summary"),
    )
)
_LINES: Final = frozenset(("br", "tr", "dt", "dd", "hr", "option"))
_HEADINGS: Final = {f"h{level}": "#" * level for level in range(1, 7)}
_BLANK: Final = re.compile(r"[ \t\r\n\f\v]+")
_GAPS: Final = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")


def to_text(html: str, *, base: str) -> str:
    """The page's title and its text; `base` is the address that its links start from."""
    page = _Page(base)
    page.feed(html)
    page.close()
    text = _GAPS.sub("\n\n", "".join(page.pieces)).strip()
    title = _BLANK.sub(" ", page.title).strip()
    return f"# {title}\n\n{text}" if title and not text.startswith(f"# {title}") else text


class _Page(HTMLParser):
    """Puts together what is seen of a page. A tag that was never closed does not hide the rest."""

    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = base
        self.pieces: list[str] = []
        self.title = ""
        self._unseen: str | None = None
        self._in_title = False
        self._in_code = 0
        self._link: str | None = None
        self._link_at = 0

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """A tag."""
        if tag == "title":
            self._in_title = True
        elif tag == "body" and self._unseen == "head":
            self._unseen = None
        if self._unseen is not None:
            return
        given = dict(attrs)
        if tag in _UNSEEN:
            self._unseen = tag
        elif tag in _HEADINGS:
            self.pieces.append(f"\n\n{_HEADINGS[tag]} ")
        elif tag == "li":
            self.pieces.append("\n- ")
        elif tag in _PARAGRAPHS:
            self.pieces.append("\n\n```\n" if tag == "pre" else "\n\n")
            self._in_code += tag == "pre"
        elif tag in _LINES:
            self.pieces.append("\n")
        elif tag in {"td", "th"}:
            self.pieces.append(" | ")
        elif tag == "a" and (address := given.get("href")):
            self._link, self._link_at = self._absolute(address), len(self.pieces)
        elif tag == "img" and (text := given.get("alt")):
            self.pieces.append(f"[image: {text}]")

    def handle_endtag(self, tag: str) -> None:
        """The end of one."""
        if tag == "title":
            self._in_title = False
        if self._unseen is not None:
            if tag == self._unseen:
                self._unseen = None
            return
        if tag == "a" and self._link is not None:
            text = "".join(self.pieces[self._link_at :]).strip()
            if text and self._link.startswith(("http://", "https://")):
                self.pieces[self._link_at :] = [f"[{text}]({self._link})"]
            self._link = None
        elif tag == "pre" and self._in_code:
            self._in_code -= 1
            self.pieces.append("\n```\n\n")
        elif tag in _HEADINGS or tag in _PARAGRAPHS:
            self.pieces.append("\n\n")

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._in_title:
            self.title += data
        elif self._unseen is None:
            self.pieces.append(data if self._in_code else _BLANK.sub(" ", data))

    def _absolute(self, address: str) -> str:
        try:
            return urljoin(self._base, address.strip())
        except ValueError:
            return ""
