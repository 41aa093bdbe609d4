"""Images are brought into a host's limits, and stay as they are where they are in them already."""

from __future__ import annotations

import base64

import pytest
from PIL import Image

from kimi_cli.media.image import DECODED_PIXELS, fit
from kimi_cli.media.task import ImageTask, Picture, Reason, Unreadable
from tests.media.pictures import ROOMY, animation, noise, opened, plain, saved, sideways


def fitted(data: bytes, task: ImageTask = ROOMY) -> tuple[Picture, Image.Image]:
    """The outcome, and the image in it, which is what the outcome says of it."""
    outcome = fit(data, task, is_clean=True)
    assert isinstance(outcome, Picture)
    image = opened(base64.b64decode(outcome.data) if outcome.data else data)
    assert Image.MIME[image.format or ""] == outcome.media_type
    assert image.size == outcome.goes
    assert max(image.size) <= task.side
    assert image.width * image.height <= task.pixels
    assert len(outcome.data) <= task.size
    return outcome, image


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_image_within_the_limits_stays(kind):
    """Nothing is done to it, unless its base64 has to be written anew."""
    data = plain(kind=kind)
    media_type = f"image/{kind.lower()}"
    assert fit(data, ROOMY, is_clean=True) == Picture(media_type, "", (64, 48), (64, 48))
    assert fit(data, ROOMY, is_clean=False) == Picture(media_type, base64.b64encode(data).decode(), (64, 48), (64, 48))


@pytest.mark.parametrize(
    ("size", "task", "expected"),
    [
        ((5_000, 100), ROOMY, (4_096, 81)),
        ((4_000, 4_000), ROOMY, (2_974, 2_974)),
        ((3_000, 2), ImageTask(1_000, 10_000, 100_000), (1_000, 1)),
    ],
)
def test_too_many_pixels(size, task, expected):
    """It is scaled down in its proportions, and what it was is known."""
    outcome, _ = fitted(plain(*size), task)
    assert (outcome.came, outcome.goes, outcome.media_type) == (size, expected, "image/png")


def test_too_many_bytes():
    """A lossy type is tried before any detail is given up, and then it is scaled until it fits."""
    data = saved(noise(600, 400))
    outcome, _ = fitted(data, ImageTask(2_000, 4_000_000, 300_000))
    assert (outcome.media_type, outcome.goes) == ("image/jpeg", (600, 400))
    outcome, _ = fitted(data, ImageTask(2_000, 4_000_000, 40_000))
    assert outcome.goes < (600, 400)
    assert fit(data, ImageTask(2_000, 4_000_000, 100), is_clean=True) == Unreadable(Reason.TOO_LARGE)


def test_transparency_becomes_white_where_it_has_to_go():
    """A drawing on nothing is readable on paper."""
    image = noise(300, 200)
    image.putalpha(0)
    outcome, shown = fitted(saved(image), ImageTask(2_000, 4_000_000, 20_000))
    assert outcome.media_type == "image/jpeg"
    assert shown.convert("RGB").getpixel((150, 100)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("mode", "kind", "media_type", "sent_mode"),
    [
        ("CMYK", "JPEG", "image/jpeg", "RGB"),
        ("I;16", "PNG", "image/png", "L"),
        ("LA", "PNG", "image/png", "RGBA"),
        ("1", "PNG", "image/png", "RGB"),
        ("RGB", "WEBP", "image/jpeg", "RGB"),
        ("RGBA", "WEBP", "image/png", "RGBA"),
        ("P", "GIF", "image/png", "RGB"),
    ],
)
def test_forms_that_hosts_do_not_decode(mode, kind, media_type, sent_mode):
    """Print colours, 16-bit greys, WebP and GIF become what every host decodes."""
    outcome, image = fitted(plain(mode=mode, kind=kind))
    assert (outcome.media_type, image.mode) == (media_type, sent_mode)


def test_sixteen_bits_of_grey_keep_their_brightness():
    """A medical or depth image is not blown out to white."""
    _, image = fitted(saved(Image.new("I;16", (64, 48), 0x4000)))
    assert image.getpixel((10, 10)) == 0x40


def test_an_animation_is_its_first_frame():
    """The model is shown how it begins."""
    outcome, image = fitted(animation(3))
    assert (outcome.media_type, outcome.frames) == ("image/png", 3)
    assert image.convert("RGB").getpixel((5, 5)) == (255, 0, 0)


def test_a_photograph_that_lies_on_its_side_is_turned():
    """Who writes an image anew drops what says which side is up."""
    outcome, _ = fitted(sideways(), ImageTask(side=150, pixels=100_000, size=100_000))
    assert (outcome.came, outcome.goes) == ((100, 300), (50, 150))


@pytest.mark.parametrize(("size", "expected"), [((1, 1), (28, 28)), ((8, 20), (32, 80)), ((1, 3_000), (1, 3_000))])
def test_an_image_of_hardly_any_pixels_grows(size, expected):
    """A host refuses a single pixel as broken; what is too long to grow stays."""
    assert fitted(plain(*size))[0].goes == expected


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
@pytest.mark.parametrize("part", [0.5, 0.95])
def test_an_image_that_is_cut_short(kind, part):
    """It looks like one from its first bytes, and the host would refuse the whole conversation for it."""
    data = saved(noise(80, 60), kind)
    with pytest.raises((OSError, SyntaxError, EOFError, ValueError)):  # the process that calls it says: broken
        fit(data[: int(len(data) * part)], ROOMY, is_clean=True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (plain(kind="BMP"), Reason.UNKNOWN),
        (b"\0\0\0\x18ftypheic" + bytes(64), Reason.UNKNOWN),
        (b"<svg/>", Reason.UNKNOWN),
        (b"\x89PNG\r\n\x1a\n", Reason.BROKEN),
        (plain(20_000, 20_000, mode="1"), Reason.TOO_LARGE),
        (plain(10_000, 9_000, mode="1"), Reason.TOO_LARGE),
    ],
)
def test_what_is_not_decoded(data, reason):
    """Other types, wrecks, and images that are small only until they are unpacked."""
    assert fit(data, ROOMY, is_clean=True) == Unreadable(reason)
    assert DECODED_PIXELS < 10_000 * 9_000


def test_the_same_bytes_come_out_each_time():
    """The prompt's earlier part stays the same, byte for byte."""
    data, task = saved(noise(600, 400)), ImageTask(500, 4_000_000, 200_000)
    assert fit(data, task, is_clean=True) == fit(data, task, is_clean=True)
