"""PDFs made by hand: of text, of nothing but a line, locked, filled in, and with content of any kind."""

from __future__ import annotations

import zlib
from io import BytesIO

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

LINE = b"0 0 m 100 100 l S"
"""What is on a page without text, as on that of a scan."""


def pdf(*pages: str, title: str = "") -> bytes:
    """A PDF with a page for each text; an empty text is a page without one."""
    return raw_pdf(*(_text_content(page) if page else LINE for page in pages), title=title)


def raw_pdf(*contents: bytes, title: str = "") -> bytes:
    """A PDF whose pages have these content streams."""
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(contents)} /Kids [{kids}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for index, content in enumerate(contents):
        page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >>"
        objects.append(f"{page} /Contents {5 + 2 * index} 0 R >>".encode())
        packed = zlib.compress(content)
        objects.append(f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode() + packed + b"\nendstream")
    objects.append(b"<< /Title " + _string(title) + b" >>")
    return _file(objects)


def locked_pdf(text: str, *, password: str, algorithm: str = "RC4-128") -> bytes:
    """A PDF that is encrypted; with an empty password everybody may read it."""
    writer = _writer(pdf(text))
    writer.encrypt(password, "the owner's", algorithm=algorithm)
    return _written(writer)


def filled_pdf(text: str, **fields: str) -> bytes:
    """A PDF with a form that is filled in."""
    writer = _writer(pdf(text))
    filled = ArrayObject(
        writer._add_object(
            DictionaryObject(
                {
                    NameObject("/FT"): NameObject("/Tx"),
                    NameObject("/T"): TextStringObject(name),
                    NameObject("/V"): TextStringObject(value),
                }
            )
        )
        for name, value in fields.items()
    )
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/Fields"): filled})
    return _written(writer)


def _text_content(text: str) -> bytes:
    lines = b" T* ".join(_string(line) + b" Tj" for line in text.split("\n"))
    return b"BT /F1 12 Tf 14 TL 72 720 Td " + lines + b" ET"


def _string(text: str) -> bytes:
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return b"(" + escaped.encode("cp1252") + b")"


def _file(objects: list[bytes]) -> bytes:
    """The objects as a file, with the table of where each is; the last one is about the document."""
    data, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    count = len(objects) + 1
    head = f"xref\n0 {count}\n0000000000 65535 f \n".encode()
    tail = f"trailer\n<< /Size {count} /Root 1 0 R /Info {len(objects)} 0 R >>\nstartxref\n{len(data)}\n%%EOF\n"
    return data + head + table + tail.encode()


def _writer(data: bytes) -> PdfWriter:
    return PdfWriter(clone_from=PdfReader(BytesIO(data)))


def _written(writer: PdfWriter) -> bytes:
    buffer = BytesIO()
    writer.write(buffer)
    return buffer.getvalue()
