"""Images cost what their pixels cost, and their size is read from the first bytes of the file."""

from __future__ import annotations

import base64
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kimi_cli.wire.picture import UNKNOWN_TOKENS, picture_tokens, size_of, tokens_of

SIZE = (1_234, 567)


def _file(kind: str, size: tuple[int, int] = SIZE, *, mode: str = "RGB", **options: object) -> bytes:
    buffer = BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


FILES = {
    "png": _file("PNG"),
    "gif": _file("GIF"),
    "jpeg": _file("JPEG"),
    "progressive jpeg": _file("JPEG", progressive=True),
    "jpeg with a preview and a profile": _file("JPEG", exif=b"Exif\0\0" + b"\1" * 60_000, icc_profile=b"\2" * 200_000),
    "webp": _file("WEBP", quality=50),
    "lossless webp": _file("WEBP", lossless=True),
    "webp with transparency": _file("WEBP", mode="RGBA", exif=b"Exif\0\0abc"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("size", [SIZE, (1, 1), (16_383, 3)])
def test_sizes_are_read(name, size):
    """Every type that clients send tells its width and height, cut short as well."""
    if size == SIZE:
        data = FILES[name]
    else:
        kind = {"jpeg": "JPEG", "webp": "WEBP"}.get(name.rpartition(" ")[2], name.upper().partition(" ")[0])
        data = _file(kind, size)
    assert size_of(_text(data)) == size


def test_only_the_beginning_is_read():
    """What follows the size may be missing, broken or no base64 at all."""
    for data in FILES.values():
        whole = _text(data)
        at = len(whole) - len(whole) % 4 if len(whole) < 300 else 300
        if size_of(whole[:at]) is None:  # behind the preview and the profile
            at = 380_000
        assert size_of(whole[:at] + "!" * 1_000) == SIZE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.7\n%abcdefghijklmnopqrstuvwxyz",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(40),
        b"RIFF\0\0\0\0WEBPABCD" + bytes(40),
        b"\xff\xd8\xff\xe0\0\0" + bytes(60),
        b"\xff\xd8" + b"\xff\xe0\0\2" * 1_000,
        b"\xff\xd8" + b"\xff" * 1_000,
        b"\xff\xd8\xff\xda" + b"\1" * 100,
        b"\xff\xd8\xff\xe0\xff\xff" + b"\1" * 100,
        b"\xff\xd8\xff\xc0\0\x11\x08\0\0\0\0\3" + bytes(40),
    ],
    ids=repr,
)
def test_no_size(data):
    """What tells no size has none, and nobody loops over it."""
    assert size_of(_text(data)) is None


@pytest.mark.parametrize("data", ["", "ä" * 100, "iVBORw0KGgo", "=" * 100, "\ud800" * 100, "/9j/" + "ä" * 100])
def test_no_base64(data):
    """What is no base64 has no size."""
    assert size_of(data) is None
    source = {"type": "base64", "media_type": "image/png", "data": data}
    assert picture_tokens({"type": "image", "source": source}) == UNKNOWN_TOKENS


@given(data=st.binary(max_size=80), head=st.sampled_from([b"", *(file[:20] for file in FILES.values())]))
def test_any_bytes(data, head):
    """Whatever the bytes, there is a size or none."""
    size = size_of(_text(head + data))
    assert size is None or min(size) > 0


@pytest.mark.parametrize(
    ("size", "tokens"),
    [
        ((28, 28), 1),
        ((29, 28), 2),
        ((1, 1), 1),
        ((1_568, 1_568), 56 * 56),
        ((2_000, 2_000), 72 * 72),
        ((1_920, 1_080), 69 * 39),
        ((10, 100_000), 256),
    ],
)
def test_tokens_of_a_size(size, tokens):
    """A token for each square of 28 pixels that is begun, as Kimi's models count; a little more stands around it."""
    assert tokens_of(*size) == tokens + 4


@given(width=st.integers(1, 100_000), height=st.integers(1, 100_000))
def test_tokens_have_a_limit(width, height):
    """An image of any size is scaled down until it has no more patches than the model takes."""
    assert 5 <= tokens_of(width, height) <= 16_384 * 1.05 + 4


def test_the_length_does_not_count():
    """An image of few pixels costs the same in many bytes as in few."""
    noise = Image.effect_noise((300, 300), 100)
    large, small = BytesIO(), BytesIO()
    noise.save(large, "PNG")
    Image.new("RGB", (300, 300)).save(small, "PNG")
    data = [_text(buffer.getvalue()) for buffer in (large, small)]
    assert len(data[0]) > 50 * len(data[1])
    blocks = [{"type": "image", "source": {"type": "base64", "data": one}} for one in data]
    assert [picture_tokens(block) for block in blocks] == [11 * 11 + 4] * 2
