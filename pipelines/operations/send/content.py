"""What a file is, told by its content and not by its name; gzip, in any number of members, is opened."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import BinaryIO, cast

from pipelines.errors import SendError

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_HEAD_BYTES = 65_536
_NAME = re.compile(r"[A-Za-z_][\w .:/()\[\]%#-]*")


class Format(Enum):
    PARQUET = "parquet"
    JSON = "json"
    CSV = "csv"
    TEXT = "text"


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, without gzip around them; Parquet in gzip is unpacked to disk, as it is read from its end.

    Raises SendError, naming the file, if it cannot be read or its gzip is broken.
    """
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == _GZIP
            file.seek(0)
            if not is_packed:
                yield file
                return
            with gzip.open(file) as unpacked:
                inside = io.BufferedReader(cast("io.RawIOBase", unpacked), _HEAD_BYTES)
                if inside.peek(4)[:4] != _PARQUET:
                    yield cast("BinaryIO", inside)
                    return
                with tempfile.TemporaryFile() as whole:
                    shutil.copyfileobj(inside, whole)
                    whole.seek(0)
                    yield cast("BinaryIO", whole)
    except (OSError, EOFError, zlib.error) as error:
        raise SendError(f"{path}: cannot be read: {error}; is it whole?") from error


def head_of(stream: BinaryIO) -> bytes:
    """The first bytes, without moving on."""
    return cast("io.BufferedReader", stream).peek(_HEAD_BYTES)[:_HEAD_BYTES]


def encoding_of(head: bytes) -> str:
    """By its mark; UTF-8 without one."""
    return "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def format_of(head: bytes) -> Format:
    """By its first bytes: a file of CSV begins with names of columns, below lines of `#name=value`."""
    if head.startswith(_PARQUET):
        return Format.PARQUET
    text = codecs.getincrementaldecoder(encoding_of(head))("replace").decode(head).lstrip()
    if text.startswith(("{", "[")):
        return Format.JSON
    lines = re.sub(r"\A(?:#[^\n]*\n)+", "", text).splitlines()
    if not lines:
        return Format.TEXT
    cells = [cell.strip() for cell in next(csv.reader([lines[0]], delimiter=delimiter_of(lines[0])))]
    is_header = len(cells) > 1 and all(_NAME.fullmatch(cell) for cell in cells)
    return Format.CSV if is_header else Format.TEXT


def delimiter_of(header: str) -> str:
    """The sign that parts most names outside of quotes."""
    bare = re.sub(r'"[^"]*"', "", header)
    return max(",;\t", key=bare.count)
