"""Sessions without foreign reasoning: what goes, what follows what then, and that nothing else changes."""

from __future__ import annotations

import json

import pytest

from kimi_cli.launcher.cleaning import clean
from kimi_cli.wire.signature import Carried, to_signature
from tests.launcher.records import OWN, lines, read, record, said, thought, uid, user


def test_a_record_of_reasoning_goes_and_the_next_follows_the_one_before():
    """Only the link of the record behind it changes; every other byte of the file stays."""
    first, end = user(1), user(4, "Thanks, é.")
    text, call = record(3, said()), {"type": "tool_use", "id": "t", "name": "Bash", "input": {}}
    done = clean(lines(first, record(2, thought()), text, end, record(5, call)))
    assert (done.blocks, done.records) == (1, 1)
    assert done.data == lines(first, {**text, "parentUuid": uid(1)}, end, record(5, call))


def test_cleaning_twice_is_cleaning_once():
    """What has been cleaned has nothing to be removed, and comes back as the very same bytes."""
    data = lines(user(1), record(2, thought()), record(3, thought(), said()), record(4, thought()))
    once = clean(data)
    assert once.blocks == 3
    assert clean(once.data) == type(once)(once.data)


def test_a_block_among_others_is_cut_out():
    """Of a record with more than reasoning the rest stays as it stands, spaces and spelling included."""
    line = (
        b'{ "parentUuid" : null, "type":"assistant","n":1.0,"e":1E3,"big":12345678901234567890123, "message": {'
        b'"model":"kimi","content":[ {"type":"thinking","thinking":"a ] \\" b","signature":""} , '
        b'{"type":"text","text":"\\u00e9 \xc3\xa9 \\ud83d"} ,{"type":"redacted_thinking","data":"x"}],"usage":1 } }\r\n'
    )
    done = clean(line)
    assert (done.blocks, done.records) == (2, 0)
    assert done.data == line[: line.index(b"[ {") + 1] + b'{"type":"text","text":"\\u00e9 \xc3\xa9 \\ud83d"}' + (
        b'],"usage":1 } }\r\n'
    )  # fmt: skip


@pytest.mark.parametrize(
    ("model", "block", "stays"),
    [
        ("claude-opus-4-6", thought(signature=OWN), True),
        ("us.anthropic.claude-sonnet-5-v1:0", thought(signature=OWN), True),
        ("claude-opus-4-6", {"type": "redacted_thinking", "data": OWN}, True),
        ("claude-opus-4-6", thought(), False),
        ("claude-opus-4-6", {"type": "thinking", "thinking": "x"}, False),
        ("claude-opus-4-6", thought(signature=to_signature(Carried(text="A plan." * 50))), False),
        ("claude-opus-4-6", thought(signature="0" * 32), False),
        ("kimi-k3", thought(signature=OWN), False),
        ("kimi-k3", {"type": "redacted_thinking", "data": OWN}, False),
        (None, thought(signature=OWN), False),
    ],
)
def test_whose_reasoning_it_is(model, block, stays):
    """Anthropic's stays: what one of its models wrote, with a signature such as it makes. All else goes."""
    data = lines(user(1), record(2, block, said(), model=model))
    assert (clean(data).data == data) is stays
    assert clean(data).blocks == (0 if stays else 1)


def test_links_over_several_that_go():
    """A chain of reasoning has one record before it, and where that is none, the next is the first."""
    data = lines(
        record(1, thought(), parent=None),
        record(2, thought()),
        record(3, said()),
        record(4, thought()),
        record(5, thought()),
        {"type": "last-prompt", "leafUuid": uid(5), "sessionId": uid(99)},
    )
    kept, leaf = read(clean(data).data)
    assert (kept["parentUuid"], leaf["leafUuid"], leaf["sessionId"]) == (None, uid(3), uid(99))


def test_a_session_of_nothing_but_reasoning():
    """Where nothing is left there is nothing to follow."""
    assert clean(lines(record(1, thought(), parent=None))).data == b""


def test_what_compaction_has_noted():
    """Lists of kept records become shorter; a stretch begins behind reasoning that began it, and ends before it."""
    segment = {"headUuid": uid(2), "anchorUuid": uid(8), "tailUuid": uid(4)}
    kept = {"anchorUuid": uid(8), "uuids": [uid(2), uid(3), uid(4)], "allUuids": [uid(2)]}
    boundary = {
        "parentUuid": None,
        "logicalParentUuid": uid(4),
        "type": "system",
        "compactMetadata": {"preservedSegment": segment, "preservedMessages": kept},
        "uuid": uid(5),
    }
    data = lines(user(1), record(2, thought()), record(3, said()), record(4, thought()), boundary, user(8))
    *_, found, last = read(clean(data).data)
    assert found["logicalParentUuid"] == uid(3)
    assert found["compactMetadata"] == {
        "preservedSegment": {"headUuid": uid(3), "anchorUuid": uid(8), "tailUuid": uid(3)},
        "preservedMessages": {"anchorUuid": uid(8), "uuids": [uid(3)], "allUuids": []},
    }
    assert last == user(8)


def test_ids_that_are_only_talked_about():
    """A text that quotes a record, as tools print session files, stays as it is."""
    quote = json.dumps(record(2, thought()))
    told = user(3, [{"type": "tool_result", "content": f'{quote} "parentUuid":"{uid(2)}" ["{uid(2)}"]'}])
    result = clean(lines(user(1), record(2, thought()), told)).data
    assert result == lines(user(1), {**told, "parentUuid": uid(1)})


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"assistant","message":{"content":[{"type":"thinking"',
        b"thinking\n",
        b'["thinking"]\n',
        b'{"type":"assistant","message":"thinking"}\n',
        b'{"type":"assistant","message":{"content":"thinking"}}\n',
        b'{"type":"assistant","message":{"content":["thinking",{"type":["thinking"]},{}]}}\n',
        b'{"type":"user","message":{"content":[{"type":"thinking","thinking":"x","signature":""}]}}\n',
        b'\xff{"type":"assistant","message":{"content":[{"type":"thinking","signature":""}]}}\n',
        b'\xef\xbb\xbf{"type":"assistant","message":{"content":[{"type":"thinking","signature":""}]}}\n',
        b'{"type":"assistant","message":{"content":' + b"[" * 100_000 + b'"thinking"\n',
        b"\n\n",
    ],
    ids=range(11),
)
def test_what_is_not_understood_stays(line):
    """Half lines and whatever else is no record of an assistant: beside it the others are cleaned all the same."""
    assert clean(line).data == line
    before = lines(record(1, thought(), parent=None), record(2, said()))
    assert clean(before + line).data == lines(record(2, said(), parent=None)) + line


def test_records_in_a_circle():
    """Records that follow one another in a circle end the search for the one before."""
    data = lines(record(1, thought(), parent=2), record(2, thought(), parent=1), record(3, said()))
    assert read(clean(data).data)[0]["parentUuid"] is None
