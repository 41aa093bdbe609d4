"""The decoder finds the same events however the bytes are cut, and takes every form of them that the standard has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.sse import EventTooLargeError, SseDecoder
from tests.wire.build import every_cut, pieces

_NEWLINES = (b"\n", b"\r\n", b"\r")


def _decode(parts, **limits) -> list[bytes]:
    decoder = SseDecoder(**limits)
    return [event for part in parts for event in decoder.feed(part)] + decoder.finish()


def _told(data: bytes, **limits) -> list[bytes]:
    whole, *others = (_decode(parts, **limits) for parts in every_cut(data))
    assert all(other == whole for other in others)
    return whole


@pytest.mark.parametrize("newline", _NEWLINES)
@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a \n\n", [b" a "]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data: a\ndata\n\n", [b"a"]),
        (b"event: x\nid: 1\ndata: a\nretry: 3\n\n", [b"a"]),
        (b": comment\n\ndata: a\n\n: more\n", [b"a"]),
        (b": comment\ndata: a\n: in between\ndata: b\n\n", [b"a\nb"]),
        (b"\n\n\ndata: a\n\n\n\n", [b"a"]),
        (b"data: a\n\ndata: b", [b"a", b"b"]),
        (b"data: a\n\ndata: b\n", [b"a", b"b"]),
        (b"\xef\xbb\xbfdata: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"\xef\xbb\xbf\ndata: a\n\n", [b"a"]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [b"a"]),
        (b"data:\n\ndata: \n\ndata: a\n\n", [b"a"]),
        (b"database: x\n\ndata: a\n\n", [b"a"]),
        (b" data: x\n\n", []),
        (b"event: ping\n\n", []),
        (b"", []),
        (
            "data: a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\n\n".encode(),
            ["a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg".encode()],
        ),
        ("data: 月之暗面 🌒\n\n".encode(), ["月之暗面 🌒".encode()]),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, bytes) else "",
)
def test_every_form_of_a_stream(stream, events, newline):
    """Line ends of all three kinds, comments, other fields, a BOM, a missing last blank line: the data is the same."""
    expected = [event.replace(b"\n", b"\n") for event in events]
    assert _told(stream.replace(b"\n", newline)) == expected


def test_line_ends_may_be_mixed():
    """Each line has its own end, and a CRLF that is cut in two is one line end and not two."""
    assert _told(b"data: a\r\ndata: b\ndata: c\r\r\ndata: d\n\n") == [b"a\nb\nc", b"d"]


def test_an_event_leaves_with_the_read_that_ends_it():
    """Nothing waits for the next read, also where the line end is a lone CR that could yet be half of a CRLF."""
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\n") == [b"a"]
    assert decoder.feed(b"data: b\r\r") == [b"b"]
    assert decoder.feed(b"\ndata: c\r\n\r\n") == [b"c"]
    assert decoder.finish() == []


@pytest.mark.parametrize("size", [1, 7, 1_000_000], ids=["byte by byte", "in sevens", "whole"])
def test_the_limit_is_the_same_however_the_event_comes(size):
    """An event of exactly the limit passes and one byte more is refused, in one read or in many."""
    data = b"data:" + b"x" * 95 + b"\n\n"
    assert _decode(pieces(data, range(0, len(data), size)), max_event_bytes=100) == [b"x" * 95]
    data = b"data:" + b"x" * 96 + b"\n\n"
    with pytest.raises(EventTooLargeError, match="more than 100 bytes"):
        _decode(pieces(data, range(0, len(data), size)), max_event_bytes=100)


def test_events_before_one_that_is_too_large_are_not_lost():
    """What was whole in the read that breaks the limit comes with the error."""
    with pytest.raises(EventTooLargeError) as error:
        SseDecoder(max_event_bytes=10).feed(b"data: a\n\ndata: " + b"x" * 10)
    assert error.value.events == [b"a"]


def test_the_limit_counts_what_is_kept():
    """Comments and finished events take no room, however many come and however they are cut."""
    data = b": keep-alive\n" * 50 + b"data: a\n\n" * 50
    assert _told(data, max_event_bytes=20) == [b"a"] * 50


def test_many_data_lines_make_one_event_of_limited_size():
    """The limit holds for an event and not for a line."""
    with pytest.raises(EventTooLargeError):
        _decode([b"data: 12345678\n" * 4], max_event_bytes=20)


def test_a_line_without_end_is_refused():
    """A host that sends bytes without a line end does not fill the memory."""
    decoder = SseDecoder(max_event_bytes=1_000)
    with pytest.raises(EventTooLargeError):  # noqa: PT012 - which of the reads it is does not matter
        for _ in range(20):
            decoder.feed(b"x" * 100)


def test_the_default_limit_takes_a_large_event():
    """Fifteen megabytes in one event are fine in reads of 64 KB; seventeen are not."""
    read = b"x" * 65_536
    decoder = SseDecoder()
    decoder.feed(b"data: ")
    for _ in range(15 * 16):
        decoder.feed(read)
    (event,) = decoder.feed(b"\n\n")
    assert len(event) == 15 * 1024 * 1024
    decoder.feed(b"data: ")
    with pytest.raises(EventTooLargeError):  # noqa: PT012 - which of the reads it is does not matter
        for _ in range(17 * 16):
            decoder.feed(read)


@given(
    lines=st.lists(st.sampled_from([b"data: a", b"data:", b"data", b"data: ", b"", b"", b": c", b"event: x"])),
    newlines=st.lists(st.sampled_from(_NEWLINES), min_size=1),
    cuts=st.sets(st.integers(0, 200)),
    has_bom=st.booleans(),
)
def test_any_cut_gives_the_same_events(lines, newlines, cuts, has_bom):
    """However lines end and wherever reads end, the events are those of the whole stream."""
    body = b"".join(line + newlines[at % len(newlines)] for at, line in enumerate(lines))
    data = (b"\xef\xbb\xbf" if has_bom else b"") + body
    assert _decode(pieces(data, cuts)) == _decode([data])


@given(data=st.binary(), cuts=st.sets(st.integers(0, 50)))
def test_arbitrary_bytes_are_read_without_a_complaint(data, cuts):
    """No bytes are an error, and none is cut differently than whole."""
    assert _decode(pieces(data, cuts)) == _decode([data])
