"""What becomes of the documents and images that the real client reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kimi_cli.providers.image_limits import image_limits
from tests.doubles.pictures import look_at
from tests.doubles.scenario import Call, call, say
from tests.media.pdfs import pdf
from tests.media.pictures import noise, saved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.doubles.scenario import Ask
    from tests.e2e.stage import Stage

pytestmark = [
    pytest.mark.claude,
]

THOUGHT = "I have to look at it."


@pytest.mark.parametrize("stage", ["groq", "moonshot", "moonshot-chat"], indirect=True)
def test_pdf_from_a_file(stage: Stage) -> None:
    """A PDF that is read reaches every model as its text, and as the same text on later turns."""
    paper = stage.work / "paper.pdf"
    paper.write_bytes(pdf("The word is marmalade.", "", "And the number is 42.", title="On breakfast"))
    look, again = Call("Read", {"file_path": str(paper)}), Call("Bash", {"command": "echo ok", "description": "Wait"})
    stage.script(call(look, thinking=THOUGHT), call(again, thinking=THOUGHT), say("Marmalade, 42."))
    done = stage.launch("--print", "What does it say?", "--allowedTools", "Bash,Read")
    stage.assert_said(done, "Marmalade, 42.")
    told = json.dumps(stage.asks[1].body["messages"])
    assert "[text extracted from the PDF" in told
    assert "3 pages; images and layout are left out]" in told
    for said in ("[page 1]\\nThe word is marmalade.", "(no text on this page)", "[page 3]\\nAnd the number is 42."):
        assert said in told
    assert "JVBERi" not in told
    assert _told_of_the_paper(stage.asks[2]) == _told_of_the_paper(stage.asks[1])


@pytest.mark.parametrize("stage", ["groq", "groq-vision", "moonshot", "moonshot-chat"], indirect=True)
def test_large_image_from_a_file(stage: Stage) -> None:
    """A picture of many pixels and bytes reaches a model with eyes in the host's limits, and the host takes it."""
    picture = stage.work / "noise.png"
    picture.write_bytes(saved(noise(3_000, 2_400)))
    stage.script(call(Call("Read", {"file_path": str(picture)}), thinking=THOUGHT), say("It is noise."))
    done = stage.launch("--print", "What is it?", "--allowedTools", "Read")
    stage.assert_said(done, "It is noise.")
    shown = list(_images(stage.asks[1].body["messages"]))
    assert len(shown) == (1 if stage.host.sees_images else 0)
    limits = image_limits(stage.host.provider)
    for data in shown:
        seen = look_at(data)
        assert seen.media_type in ("image/png", "image/jpeg")
        assert max(seen.width, seen.height) <= limits.side
        assert len(data) <= limits.size


def _told_of_the_paper(ask: Ask) -> str:
    """The text of the block or message that holds the paper's."""
    return next(text for text in _texts(ask.body["messages"]) if "extracted from the PDF" in text)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _images(value: object) -> Iterator[str]:
    """The base64 of every image."""
    if isinstance(value, dict) and value.get("type") == "image":
        yield value["source"]["data"]
    elif isinstance(value, dict) and value.get("type") == "image_url":
        yield value["image_url"]["url"].partition(",")[2]
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _images(inner)
