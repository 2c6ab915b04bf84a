"""Files of CSV, read by Arrow alone: every cell of every row as it was written, and a bad row by itself."""

from __future__ import annotations

import csv
import io
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources.costs.csv_rows import MAPS, parse
from pipelines.sources.costs.layout import NOTHING, Layout, as_it_is, key

LAYOUT = Layout(("BilledCost", "ChargeDescription"), as_it_is)


def read(*files: str | None) -> list[list[dict[str, Any]]]:
    """The rows of each file: cells and other cells that are not null, and `malformed`."""
    lists = parse(pa.array(files, pa.string()), LAYOUT).to_pylist()

    def cells(row: dict[str, Any]) -> dict[str, Any]:
        others = {name: value for kind in MAPS for name, value in row.pop(kind) or ()}
        return {name: value for name, value in row.items() if value is not None} | others

    return [[cells(row) for row in rows] for rows in lists]


def test_cells_hold_line_breaks_quotes_and_commas() -> None:
    [rows] = read('BilledCost,ChargeDescription\r\n1.5E-7,"a ""b"",\r\nc"\r\n"2",\r\n')

    assert rows == [{"BilledCost": "1.5E-7", "ChargeDescription": 'a "b",\r\nc'}, {"BilledCost": "2"}]


@pytest.mark.parametrize(
    "header",
    [
        "BilledCost,Extra",
        '\ufeff"BilledCost","Extra"',
        " Billed Cost , Extra ",
        "billedcost,Extra",
        "billed_cost,Extra",
    ],
)
def test_a_header_may_have_a_mark_quotes_and_blanks(header: str) -> None:
    assert read(f"{header}\n1,x\n") == [[{"BilledCost": "1", "Extra": "x"}]]


def test_what_exports_write_for_nothing_is_null() -> None:
    [rows] = read('BilledCost,Extra\n1,NULL\n2,""\n3,null\n4,\\N\n')

    assert rows == [{"BilledCost": str(number)} for number in range(1, 5)]


def test_a_row_of_another_length_goes_alone() -> None:
    [rows] = read('BilledCost,Extra\n1,x\n2\n3,y,"z\n"\n4,v\n')

    assert rows == [
        {"BilledCost": "1", "Extra": "x"}, {"BilledCost": "4", "Extra": "v"}, {"malformed": "2"},
        {"malformed": '3,y,"z\n"'},
    ]  # fmt: skip


def test_a_file_that_is_cut_off_in_a_cell_loses_that_row_only() -> None:
    [rows] = read('BilledCost,Extra\n1,x\n2,"never clo\nsed')

    assert rows == [{"BilledCost": "1", "Extra": "x"}, {"malformed": "2,never clo\nsed"}]


def test_an_inch_in_a_cell_is_no_open_quote() -> None:
    assert read('BilledCost,Extra\n1,"a 5"" disk"\n')[0][0]["Extra"] == 'a 5" disk'
    assert read('BilledCost,Extra\n1,5" disk\n2,b\n') == [
        [{"BilledCost": "1", "Extra": '5" disk'}, {"BilledCost": "2", "Extra": "b"}]
    ]


def test_what_stands_above_the_header_is_said_of_each_row() -> None:
    [rows] = read("#executionId=run-1\n#x_Dataset = actual\n#file=a.csv\nBilledCost,Extra\n1,x\n2,y\n")

    assert [(row["executionId"], row["x_Dataset"], row["#file"]) for row in rows] == [("run-1", "actual", "a.csv")] * 2


def test_two_columns_of_one_name_are_both_kept() -> None:
    assert read("BilledCost,billedcost,Extra,Extra\n1,2,3,4\n") == [
        [{"BilledCost": "1", "billedcost": "2", "Extra": "3", "Extra 4": "4"}]
    ]


def test_several_files_and_none_keep_their_order() -> None:
    header = "BilledCost,Extra\n"

    assert [len(rows) for rows in read(f"{header}1,a\n2,b\n", None, header, "", f"{header}3,c\n")] == [2, 0, 0, 1, 1]


cells = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=12).filter(
    lambda cell: "\r" not in cell
)
tables = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=6)
)


@settings(deadline=None)
@given(table=tables, style=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), end=st.sampled_from(["\n", "\r\n"]))
def test_any_table_is_read_as_it_was_written(table: list[list[str]], style: Any, end: str) -> None:
    names = ["BilledCost", *(f"n{place}" for place in range(1, len(table[0])))]
    file = io.StringIO()
    csv.writer(file, quoting=style, lineterminator=end).writerows([names, *table])

    [rows] = read(file.getvalue())

    wanted = [{name: cell for name, cell in zip(names, row, strict=True) if cell not in NOTHING} for row in table]
    assert rows == wanted


@settings(deadline=None)
@given(file=st.text(st.sampled_from('ab,"\n\r#=\ufeff1'), max_size=60))
def test_no_text_stops_it_and_no_row_is_lost(file: str) -> None:
    [rows] = read(file)

    assert len(rows) <= file.count("\n") + file.count("\r") + 2


def test_names_are_compared_without_case_and_signs() -> None:
    assert {key(name) for name in ("lineItem/UnblendedCost", "line_item_unblended_cost")} == {"lineitemunblendedcost"}
