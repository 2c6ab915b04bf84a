import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
import typer
from deltalake import DeltaTable, write_deltalake
from typer.testing import CliRunner

from pipelines.cli.sql import sql
from pipelines.errors import QueryError
from pipelines.operations import query
from pipelines.operations.cells import for_csv, for_table, plain
from pipelines.settings import Settings, load_settings

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path)})
    rows = pa.table(
        {
            "topic": ["am-Perf", "aws.metrics", None],
            "value": pa.array([b'{"records":[]}', b"\xff\x00\x01", None], pa.binary()),
            "kafka_timestamp": pa.array([NOON] * 3, pa.timestamp("us", "UTC")),
            "labels": pa.array([[("a", "1"), ("b", "2")], None, None], pa.map_(pa.string(), pa.string())),
        }
    )
    write_deltalake(str(settings.table_path("bronze", "telemetry")), rows)
    return settings


def test_it_answers_over_a_table(settings: Settings) -> None:
    found = query.answer(settings, "SELECT topic, count(*) AS n FROM bronze.telemetry GROUP BY 1 ORDER BY 1")

    assert found.columns == ("topic", "n")
    assert found.rows == (("am-Perf", 1), ("aws.metrics", 1), (None, 1))


def test_tables_of_a_catalog_are_refused_and_not_said_to_be_missing(settings: Settings) -> None:
    with pytest.raises(QueryError, match=r"in catalog prod \(setting catalog\)"):
        query.answer(settings.model_copy(update={"catalog": "prod"}), "SELECT count(*) FROM telemetry")


def test_a_table_needs_no_layer_and_no_particular_case(settings: Settings) -> None:
    assert query.answer(settings, "SELECT count(*) FROM Telemetry").rows == ((3,),)


def test_times_are_utc_and_have_no_zone(settings: Settings) -> None:
    (row,) = query.answer(settings, "SELECT DISTINCT kafka_timestamp FROM bronze.telemetry").rows

    assert row == (NOON.replace(tzinfo=None),)


def test_only_what_delta_calls_active_is_read(settings: Settings) -> None:
    DeltaTable(str(settings.table_path("bronze", "telemetry"))).delete("topic = 'am-Perf'")

    assert query.answer(settings, "SELECT count(*) FROM bronze.telemetry").rows == ((2,),)


def test_a_table_without_rows_or_files_has_its_columns(settings: Settings) -> None:
    path = str(settings.table_path("silver", "metrics"))
    schema = pa.schema([("event_time", pa.timestamp("us", "UTC")), ("value", pa.float64())])
    DeltaTable.create(path, schema)

    found = query.answer(settings, "SELECT * FROM silver.metrics")

    assert found == query.Answer(("event_time", "value"), ())


def test_a_column_that_came_later_is_null_in_older_files(settings: Settings) -> None:
    path = str(settings.table_path("gold", "agent_health"))
    write_deltalake(path, pa.table({"host": ["a"]}))
    write_deltalake(path, pa.table({"host": ["b"], "state": ["late"]}), mode="append", schema_mode="merge")

    assert query.answer(settings, "SELECT * FROM agent_health ORDER BY 1").rows == (("a", None), ("b", "late"))


def test_the_limit_says_when_there_is_more(settings: Settings) -> None:
    found = query.answer(settings, "SELECT * FROM bronze.telemetry", limit=2)

    assert len(found.rows) == 2
    assert found.more
    assert not query.answer(settings, "SELECT * FROM bronze.telemetry", limit=3).more


def test_an_unknown_table_is_told_with_those_there_are(settings: Settings) -> None:
    with pytest.raises(QueryError, match=r"no table nonsense; the tables are: bronze\.telemetry, silver\."):
        query.answer(settings, "SELECT * FROM gold.nonsense")


def test_a_table_that_is_not_there_yet_is_told_with_its_job(settings: Settings) -> None:
    with pytest.raises(QueryError, match=r"gold\.metric_rollup has not been created yet: `lakehouse run gold`"):
        query.answer(settings, "SELECT * FROM gold.metric_rollup")


def test_the_databases_own_message_is_passed_on(settings: Settings) -> None:
    with pytest.raises(QueryError, match='"nonsense" not found in FROM clause'):
        query.answer(settings, "SELECT nonsense FROM bronze.telemetry")
    with pytest.raises(QueryError, match="syntax error"):
        query.answer(settings, "SELEC 1")


def test_a_broken_table_is_named(settings: Settings) -> None:
    log = settings.table_path("gold", "agent_health") / "_delta_log"
    log.mkdir(parents=True)

    with pytest.raises(QueryError, match=r"table gold\.agent_health: .* cannot be read"):
        query.answer(settings, "SELECT * FROM gold.agent_health")


def test_a_view_of_ours_is_asked_like_a_table(settings: Settings) -> None:
    charges = [("a", 1), ("a", 2)]
    places = range(len(charges))
    rows = pa.table(
        {
            "event_id": [f"e{place}" for place in places],
            "charge_id": [charge for charge, _ in charges],
            "BilledCost": [amount for _, amount in charges],
            "kafka_timestamp": pa.array([NOON + timedelta(hours=place) for place in places], pa.timestamp("us", "UTC")),
            "ChargePeriodStart": pa.array([NOON for _ in places], pa.timestamp("us", "UTC")),
            "partition": [0 for _ in places],
            "offset": list(places),
            "item": [0 for _ in places],
            "part": [0 for _ in places],
            "topic": ["finops.costs" for _ in places],
            **{
                name: pa.nulls(len(charges), pa.string())
                for name in (
                    "source", "dataset", "ProviderName", "BillingAccountId", "ChargeCategory", "PricingCategory",
                    "export_id", "delivery_id",
                )
            },
            "BillingPeriodStart": pa.nulls(len(charges), pa.timestamp("us", "UTC")),
        }
    )  # fmt: skip
    write_deltalake(str(settings.table_path("silver", "costs")), rows)

    assert query.answer(settings, "SELECT BilledCost FROM silver.costs_current").rows == ((2,),)
    assert query.answer(settings, "SELECT count(*) FROM costs").rows == ((2,),)


def test_a_view_of_a_table_that_is_not_there_yet(settings: Settings) -> None:
    with pytest.raises(QueryError, match=r"silver\.costs has not been created yet: `lakehouse run silver`"):
        query.answer(settings, "SELECT * FROM silver.costs_current")


@pytest.mark.parametrize("statement", ["SHOW TABLES", "show all tables;"])
def test_show_tables_says_what_each_is_for(settings: Settings, statement: str) -> None:
    found = query.answer(settings, statement)

    assert found.rows[0] == (
        "bronze.telemetry",
        3,
        "Everything that arrived, as the bytes that Kafka held; all else can be rebuilt from it.",
    )
    assert {row[1] for row in found.rows[1:]} == {None}
    assert all(row[2] for row in found.rows)


def test_every_contract_is_listed_and_only_those(settings: Settings) -> None:
    listed = query.list_tables(settings)

    assert "gold.metric_rollup" in {table.full_name for table in listed}
    assert not replace(listed[-1], path=Path("/nowhere")).exists


@pytest.mark.parametrize(
    ("value", "table", "csv", "as_json"),
    [
        (None, "—", "", None),
        (b'{"a":1}', '{"a":1}', '{"a":1}', '{"a":1}'),
        (b"\x00\xff\x01", "0x00ff01", "0x00ff01", "0x00ff01"),
        ({"a": "1", "b": None}, "a=1, b=—", '{"a": "1", "b": null}', {"a": "1", "b": None}),
        (datetime(2026, 3, 2, 12, 0, 0, 500_000), "2026-03-02 12:00:00.500", *["2026-03-02T12:00:00.500Z"] * 2),
        (date(2026, 3, 2), "2026-03-02", "2026-03-02", "2026-03-02"),
        (Decimal("12"), "12", "12", 12),
        (math.inf, "inf", "inf", "inf"),
        (1234.5678, "1,234.57", "1234.5678", 1234.5678),
        ([1, 2], "1, 2", "[1, 2]", [1, 2]),
    ],
)
def test_values_print_readably(value: object, table: str, csv: str, as_json: object) -> None:
    assert for_table(value) == table
    assert for_csv(value) == csv
    assert plain(value) == as_json


@pytest.fixture
def runner(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("LAKEHOUSE_ROOT", str(settings.root))
    return CliRunner()


def run(runner: CliRunner, *arguments: str) -> str:
    app = typer.Typer(rich_markup_mode="markdown")
    app.command()(sql)
    result = runner.invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_without_a_query_it_teaches(runner: CliRunner) -> None:
    assert run(runner).count("lakehouse sql") == 4


def test_json_is_an_array_that_any_reader_takes(runner: CliRunner) -> None:
    rows = json.loads(run(runner, "SELECT topic, labels FROM telemetry ORDER BY 1", "--format", "json"))

    assert rows[0] == {"topic": "am-Perf", "labels": {"a": "1", "b": "2"}}


def test_csv_has_a_header_and_every_row(runner: CliRunner) -> None:
    lines = run(runner, "SELECT topic FROM telemetry ORDER BY 1", "--format", "csv").splitlines()

    assert lines == ["topic", "am-Perf", "aws.metrics", '""']


def test_a_table_is_not_cut_where_it_is_piped(runner: CliRunner) -> None:
    assert "value of many words" in run(runner, "SELECT 'a' AS x, 'a long value of many words ' || repeat('x', 60)")
