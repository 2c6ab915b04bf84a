"""Files cut into messages: every record once, each message below the limit, a cost report as one delivery."""

from __future__ import annotations

import csv
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from pipelines.errors import SendError
from pipelines.operations.send.csv_values import values_of_csv
from pipelines.operations.send.delivery import deliveries
from pipelines.operations.send.file_values import values_of

LIMIT = 300
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20)


def contents(path: Path, limit: int = LIMIT) -> list[str]:
    values = [value.content for value in values_of(path, "run", limit)]
    assert all(len(value) <= limit for value in values)
    return [value.decode() for value in values]


def records(text: str) -> list[list[str]]:
    lines = text.split("\n")
    while lines[0].startswith("#"):
        lines.pop(0)
    return list(csv.reader(io.StringIO("\n".join(lines), newline="")))


@given(st.lists(st.tuples(CELLS, CELLS), max_size=40), st.sampled_from(",;"))
def test_any_csv_is_cut_between_records(rows: list[tuple[str, str]], delimiter: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([("BilledCost", "ChargePeriodStart"), *rows])
    text.seek(0)

    values = list(values_of_csv(text, "run", LIMIT, "f"))

    cut = [records(value.content.decode()) for value in values]
    assert [row for part in cut for row in part[1:]] == [list(row) for row in rows]
    assert all(part[0] == ["BilledCost", "ChargePeriodStart"] for part in cut)
    assert all(value.content.endswith(b"\n") and b"#x_DeliveryId=run\n" in value.content for value in values)
    assert all(len(value.content) <= LIMIT for value in values)
    assert len({value.content for value in values}) == len(values)  # or silver would take one for a repeat


def test_gzip_of_several_members_and_utf_16(tmp_path: Path) -> None:
    file = tmp_path / "report"
    file.write_bytes(gzip.compress(b"#executionId=e\n") + gzip.compress(b"BilledCost,a\n1,2\n"))
    assert contents(file) == ["#executionId=e\nBilledCost,a\n1,2\n"]
    file.write_bytes("a;b\n1;é\n".encode("utf-16"))
    assert contents(file) == ["a,b\n1,é\n"]


@pytest.mark.parametrize("form", ['{"Version":1,"Records":[%s]}', '{"value":[%s],"next":null}', "[%s]"])
def test_a_document_is_cut_into_documents_of_its_form(tmp_path: Path, form: str) -> None:
    file = tmp_path / "trail"
    rows = [f'{{"n":{n}.10,"s":"]}},"}}' for n in range(50)]
    file.write_text(form % ", ".join(rows))

    cut = contents(file)

    before, after = form.split("%s")
    assert all(part.startswith(before) and part.endswith(after) for part in cut)
    assert ",".join(part.removeprefix(before).removesuffix(after) for part in cut) == ",".join(rows)


def test_what_cannot_be_cut_is_named_with_its_size(tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_text(json.dumps({"a": "x" * 400}))
    with pytest.raises(SendError, match=r"large is 409 bytes.*300"):
        contents(file)


def test_lines_are_packed_and_costs_get_their_delivery(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_text("".join(f'{{"n":{n}}}\n' for n in range(100)))
    assert "".join(contents(file)) == file.read_text()
    file.write_text('{"BilledCost":1.50}\n{"BilledCost":2,"runId":"r"}\n')
    assert contents(file) == ['{"x_DeliveryId":"run","BilledCost":1.50}\n{"BilledCost":2,"runId":"r"}\n']


def test_parquet_keeps_digits_maps_and_charges_that_are_alike(tmp_path: Path) -> None:
    file = tmp_path / "table"
    amount = Decimal("0.000000000000000001")
    tags = pa.array([[("team", "blue")]] * 20, pa.map_(pa.string(), pa.string()))
    parquet.write_table(pa.table({"BilledCost": [amount] * 20, "Tags": tags}), file)
    cut = contents(file)
    assert [row for part in cut for row in records(part)[1:]] == [[format(amount, "f"), '{"team":"blue"}']] * 20
    assert len(set(cut)) == len(cut) > 1

    parquet.write_table(pa.table({"at": pa.array([0], pa.timestamp("us")), "tags": tags[:1]}), file)
    assert contents(file) == ['{"at":"1970-01-01T00:00:00Z","tags":{"team":"blue"}}\n']


def test_the_files_of_a_folder_are_one_delivery_that_their_content_names(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a/1", "a/2", "b/1")]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text(str(file))
    first = deliveries(files)
    assert len(set(first.values())) == len(first) == 2
    assert deliveries(files) == first
    files[0].write_text("restated")
    assert deliveries(files)[files[0].parent] != first[files[0].parent]
