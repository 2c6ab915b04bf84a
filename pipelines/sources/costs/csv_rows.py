"""CSV with a header, as one value: its rows as structs of cells. RFC 4180: cells may hold line breaks and quotes.

https://www.rfc-editor.org/rfc/rfc4180. Read by Arrow, a whole value at a time: `from_csv` reads single lines. Above the
header may stand what the sender says of the whole file, a line each: `#executionId=…`.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import arrow_udf

from pipelines.sources.costs.layout import MEASURES, NOTHING, Layout, key
from pipelines.sources.reading.lines import text_of

# Members of a row besides the cells that its layout names: maps of the other cells (tags, amounts, all else), and the
# text of a row that has fewer or more cells than the header.
MAPS = TAGGED, MEASURED, OTHERS = "tagged", "measured", "others"
MALFORMED = "malformed"
_HEAD = 40_000  # characters in which a header is looked for
_PREAMBLE = re.compile(rb"(?:\xef\xbb\xbf)?((?:#[^\n]*\n)*)")
_MARK = "\ufeff"
_WIDEST = 5_000
# Written behind the last row, as a row of one cell: only found again if no quote before it is left open.
_END = "__end__"
_TYPES = {f"f{place}": pa.string() for place in range(_WIDEST)}
_MAP = pa.map_(pa.string(), pa.string())


def has_header(record: Column, *names: tuple[str, ...]) -> Column:
    """Whether the record is text whose header, below comments, has a column of each of `names`, however spelt."""
    head = F.lower(F.ltrim(F.substring(text_of(record), 1, _HEAD), F.lit(_MARK)))
    without_comments = F.when(F.startswith(head, F.lit("#")), F.regexp_replace(head, r"\A(?:#[^\n]*\n)+", ""))
    line = F.substring_index(F.coalesce(without_comments, head), "\n", 1)
    bare = F.concat(F.lit(","), F.regexp_replace(line, "[^a-z0-9,]", ""), F.lit(","))
    # First what rules out the lines of text that are no report.
    found = F.contains(head, F.lit("cost")) & F.contains(line, F.lit(","))
    for alternatives in names:
        found = found & F.rlike(bare, F.lit(f",(?:{'|'.join(map(key, alternatives))}),"))
    return found


def rows_of(record: Column, layout: Layout) -> Column:
    """The rows below the header → array of structs: the cells that the layout names, MAPS and MALFORMED.

    Cells are text, null for what exports write for nothing. An empty array if there is no row.
    """
    cells = ", ".join(f"`{name}`: string" for name in layout.columns)
    maps = ", ".join(f"{name}: map<string,string>" for name in MAPS)

    def read(texts: pa.Array) -> pa.Array:
        return parse(texts, layout)

    make: Any = arrow_udf  # typed for other kinds of functions only
    found: Column = make(read, f"array<struct<{cells}, {maps}, {MALFORMED}: string>>")(text_of(record))
    return found


def parse(texts: pa.Array, layout: Layout) -> pa.Array:
    """Values of text → the list of rows of each, empty for null."""
    rows = [_rows(text.as_buffer(), layout) if text.is_valid else None for text in texts]
    sizes = np.array([0 if some is None else len(some) for some in rows], np.int64)
    offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, pa.concat_arrays([_nothing(layout), *(some for some in rows if some)]))


def _rows(text: pa.Buffer, layout: Layout) -> pa.StructArray:
    """One value's rows; those that cannot be read stand behind the others."""
    content = memoryview(text)
    above = _PREAMBLE.match(content)
    assert above is not None
    said = dict(line[1:].partition("=")[::2] for line in above[1].decode().splitlines() if "=" in line)
    content = content[above.end() :]
    malformed: list[str] = []
    try:
        table = _table(content, malformed)
    except pa.ArrowInvalid:
        return _bad([bytes(content).decode()], layout)
    names = [column[0].as_py() for column in table.columns]
    whole = table.slice(1).combine_chunks()
    cells = [column.combine_chunks() if column.num_chunks != 1 else column.chunk(0) for column in whole.columns]
    good = _struct(names, cells, said, layout)
    if _END in malformed:
        malformed.remove(_END)
    else:
        # A quote that is never closed has taken all that follows into one cell.
        last = ",".join(cell[-1].as_py() or "" for cell in cells) if len(good) else ""
        malformed.append(last.removesuffix(f"\n{_END}\n"))
        good = good.slice(0, max(len(good) - 1, 0))
    return pa.concat_arrays([good, _bad(malformed, layout)])


def _table(content: memoryview, malformed: list[str]) -> pa.Table:
    """Raises ArrowInvalid if there is no header, or its last cell is never closed."""

    def note(row: csv.InvalidRow) -> str:
        malformed.append(row.text.rstrip("\r\n"))
        return "skip"

    marked = b"".join((content, b"\n", _END.encode(), b"\n"))
    return csv.read_csv(
        pa.BufferReader(marked),
        # One block, as a row must not be split between two.
        csv.ReadOptions(use_threads=False, block_size=len(marked) + 1, autogenerate_column_names=True),
        csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
        csv.ConvertOptions(column_types=_TYPES, strings_can_be_null=True, null_values=list(NOTHING), check_utf8=False),
    )


def _struct(names: list[str | None], cells: list[pa.Array], said: dict[str, str], layout: Layout) -> pa.StructArray:
    """`said`: of the whole file, as a column each."""
    rows = len(cells[0])
    known: dict[str, pa.Array] = {}
    maps: dict[str, dict[str, pa.Array]] = {name: {} for name in MAPS}
    wanted = {key(name): name for name in layout.columns}
    constants = [(f"#{name.strip()}", pa.repeat(value.strip(), rows)) for name, value in said.items()]
    for place, (name, cell) in enumerate([*zip(names, cells, strict=True), *constants]):
        written = (name or f"column {place + 1}").strip()
        ours = wanted.get(key(written))
        is_known = ours is None or ours in known
        if ours is not None and not is_known:
            known[ours] = cell
        if is_known or ours in layout.kept:
            kind, left = _kind(written, layout)
            maps[kind][left if left not in maps[kind] else f"{left} {place + 1}"] = cell
    columns = [known.get(name, pa.nulls(rows, pa.string())) for name in layout.columns]
    others = [_map(maps[kind], rows) for kind in MAPS]
    return pa.StructArray.from_arrays([*columns, *others, pa.nulls(rows, pa.string())], _members(layout))


def _kind(name: str, layout: Layout) -> tuple[str, str]:
    """Which of MAPS a cell goes to, and its name there."""
    tag = re.match(layout.tag, name)
    if tag is not None:
        return TAGGED, name[tag.end() :]
    return (MEASURED if re.search(MEASURES, name.lower()) else OTHERS), name


def _map(columns: dict[str, pa.Array], rows: int) -> pa.MapArray:
    """Columns → a map a row, of the cells that are not null."""
    if not columns or not rows:
        return pa.nulls(rows, _MAP)
    valid = np.stack([column.is_valid().to_numpy(zero_copy_only=False) for column in columns.values()], axis=1)
    places = np.arange(len(columns) * rows).reshape(len(columns), rows).T[valid]
    names = pa.array(columns, pa.string()).take(pa.array(places // rows))
    offsets = np.concatenate([[0], np.cumsum(valid.sum(axis=1))]).astype(np.int32)
    cells = pa.concat_arrays(list(columns.values())).take(pa.array(places))
    return pa.MapArray.from_arrays(pa.array(offsets), names, cells)


def _bad(texts: list[str], layout: Layout) -> pa.StructArray:
    nothing = [pa.nulls(len(texts), pa.string()) for _ in layout.columns]
    maps = [pa.nulls(len(texts), _MAP) for _ in MAPS]
    return pa.StructArray.from_arrays([*nothing, *maps, pa.array(texts, pa.string())], _members(layout))


def _nothing(layout: Layout) -> pa.StructArray:
    return _bad([], layout)


def _members(layout: Layout) -> list[str]:
    return [*layout.columns, *MAPS, MALFORMED]
