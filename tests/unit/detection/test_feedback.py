"""Verdicts: kept without Spark in the table of the contract, and what they change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from pipelines.detection.models.exclusions import covered, parse_range
from pipelines.detection.models.feedback import Feedback, Verdict, give, given, strictness, windows
from pipelines.errors import ModelError
from pipelines.settings import Settings
from pipelines.tables import contract, ensure_table, read_table
from tests.unit.detection.measured import BEGIN, host_frame, series_id

HOUR = timedelta(hours=1)


def said(verdict: Verdict, series: int | None = None, **more: Any) -> Feedback:
    times = {"start_time": BEGIN + HOUR, "end_time": BEGIN + 2 * HOUR, "given_at": BEGIN + 3 * HOUR, "given_by": "ann"}
    return Feedback(verdict=verdict, series_id=series, **(times | more))


def test_a_verdict_is_kept_once_however_often_it_is_given(settings: Settings) -> None:
    assert given(settings).feedback == ()

    identity = give(settings, said(Verdict.FALSE, 7, note="backup"))
    assert give(settings, said(Verdict.FALSE, 7, given_at=BEGIN + 9 * HOUR)) == identity
    give(settings, said(Verdict.TRUE, 7))

    assert sorted(one.verdict for one in given(settings).feedback) == [Verdict.FALSE, Verdict.TRUE]
    assert {one.note for one in given(settings).feedback} == {"backup", None}


def test_an_earlier_version_of_the_table_is_what_was_known_then(settings: Settings) -> None:
    give(settings, said(Verdict.FALSE, 7))
    before = given(settings)
    give(settings, said(Verdict.FALSE, 8))

    assert given(settings, before.version) == before


def test_the_table_is_that_of_the_contract_whoever_makes_it_first(spark: SparkSession, settings: Settings) -> None:
    table = contract("silver.anomaly_feedback")
    give(settings, said(Verdict.FALSE, 7))

    ensure_table(spark, settings, table)

    schema = read_table(spark, settings, table).schema
    assert [(field.name, field.nullable) for field in schema] == [
        (column.name, not column.required) for column in table.columns
    ]


def test_spark_may_have_made_the_table(spark: SparkSession, settings: Settings) -> None:
    ensure_table(spark, settings, contract("silver.anomaly_feedback"))
    give(settings, said(Verdict.EXPECTED, resource_id="/host/1"))

    assert [one.resource_id for one in given(settings).feedback] == ["/host/1"]


def test_a_verdict_needs_a_subject_and_a_time_that_does_not_end_before_it_begins() -> None:
    with pytest.raises(ModelError, match="--series, or --resource"):
        said(Verdict.TRUE)
    with pytest.raises(ModelError, match="before it begins"):
        said(Verdict.TRUE, 7, end_time=BEGIN)


def false(times: int, series: int = 7) -> list[Feedback]:
    return [said(Verdict.FALSE, series, note=str(number)) for number in range(times)]


def test_false_verdicts_make_a_series_stricter_true_ones_take_it_back() -> None:
    true = [said(Verdict.TRUE, 7)]

    assert strictness([], {}) == {}
    assert strictness(false(1), {}) == {7: pytest.approx(2 ** (1 / 3))}
    assert strictness(false(3) + true, {}) == {7: pytest.approx(2 ** (1 / 3))}
    assert strictness(false(100), {}) == {7: 2.0}
    assert strictness(true, {}) == {}


def test_a_verdict_on_a_metric_is_on_all_its_series() -> None:
    verdict = said(Verdict.FALSE, resource_id="/host/1", metric="disk")

    assert strictness([verdict], {("/host/1", "disk"): (3, 4)}).keys() == {3, 4}
    assert strictness([verdict], {}) == {}


def test_rows_of_an_incident_are_left_out_of_the_series_that_it_is_about() -> None:
    frame = host_frame(1, minutes=180)
    incident = windows([said(Verdict.TRUE, series_id(1, "cpu")), *false(1, series_id(1, "memory"))], Verdict.TRUE)

    left_out = frame[covered(frame, "/host/1", incident)]

    assert set(left_out["metric"]) == {"cpu"}
    assert len(left_out) == 61  # both ends belong to it


def test_a_verdict_on_a_resource_is_on_that_one_alone_whatever_its_name_looks_like() -> None:
    frame = host_frame(1, minutes=180)
    everything = windows([said(Verdict.EXPECTED, resource_id="host[1]*")], Verdict.EXPECTED)

    assert covered(frame, "host[1]*", everything).sum() == 3 * 61
    assert not covered(frame, "host1", everything).any()


def test_a_range_to_exclude_is_in_utc() -> None:
    found = parse_range("2026-03-01T10:00..2026-03-01T13:00+01:00")

    assert (found.start, found.end) == (datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize("text", ["2026-03-01", "2026-03-02..2026-03-01", "yesterday..today"])
def test_a_range_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ModelError, match=r"such as 2026-03-01T10:00\.\.2026-03-01T12:00"):
        parse_range(text)
