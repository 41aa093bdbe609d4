"""Images in tool results are shown to models with eyes, in the host's limits; the others are told of them, always."""

from __future__ import annotations

import pytest

from kimi_cli.media.wording import ONE_TOO_MANY
from kimi_cli.wire.content import IMAGE_LEFT_OUT
from tests.doubles.pictures import encoded, look_at
from tests.field.media import SEEING, ask, looked_at, picture, sent, serving, shown, told, without_images
from tests.media.pictures import animation, as_text

TEXT = {"type": "text", "text": "A screenshot:"}


@pytest.mark.parametrize("name", SEEING)
async def test_field_26_images_are_shown_as_images(name, tmp_path):
    """Large, odd and broken ones too: the host takes every request, and the model knows what it does not see."""
    body = ask(
        *looked_at(TEXT, picture(encoded(colour="blue"))),
        *looked_at(picture(encoded(2_600, 200)), call_id="toolu_2"),
        *looked_at(picture(encoded(kind="WEBP")), picture(as_text(animation()), "image/gif"), call_id="toolu_3"),
        *looked_at(picture(encoded()[:150]), picture("AAAA", "image/heic"), call_id="toolu_4"),
    )
    async with serving(name, tmp_path) as (double, proxy):
        messages = await sent(double, proxy, body)
    images = [look_at(data) for data in shown(messages)]
    assert [image.media_type.removeprefix("image/") for image in images] == ["png", "png", "jpeg", "png"]
    assert shown(messages)[0] == encoded(colour="blue")
    assert images[1].width == (2_600 if "moonshot" in name else 2_000)
    text = told(messages)
    for said in ("A screenshot:", "the first of 3 frames", "(image/png) left out: it is damaged", "(image/heic) left"):
        assert said in text
    assert ("scaled down from 2600x200 to" in text) is ("moonshot" not in name)
    assert encoded()[:60] not in without_images(messages)


async def test_field_26_a_model_without_eyes_is_told_in_history_too(tmp_path):
    """Not a character of an image goes to it, on no turn, and what it was told before stays the same."""
    first = looked_at(TEXT, picture(encoded()))
    second = looked_at(picture(encoded(kind="JPEG"), "image/jpeg"), call_id="toolu_2")
    async with serving("groq", tmp_path) as (double, proxy):
        before = await sent(double, proxy, ask(*first))
        after = await sent(double, proxy, ask(*first, *second))
    assert after[: len(before)] == before
    assert [message["content"] for message in after if message["role"] == "tool"] == [
        f"A screenshot:\n{IMAGE_LEFT_OUT}",
        IMAGE_LEFT_OUT,
    ]
    assert encoded()[:30] not in str(after)


async def test_field_26_more_images_than_the_host_takes(tmp_path):
    """A long conversation goes on: the newest images are shown, and the model is told of the others."""
    colours = ["red", "green", "blue", "white", "black", "gray", "pink"]
    turns = [
        turn
        for number, colour in enumerate(colours)
        for turn in looked_at(picture(encoded(colour=colour)), call_id=f"toolu_{number}")
    ]
    async with serving("groq-vision", tmp_path) as (double, proxy):
        messages = await sent(double, proxy, ask(*turns))
    assert shown(messages) == [encoded(colour=colour) for colour in colours[2:]]
    assert told(messages).count(ONE_TOO_MANY) == 2
