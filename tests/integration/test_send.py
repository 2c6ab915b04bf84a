"""`lakehouse send`: reports larger than a message, as CSV and Parquet, count each charge once, to the last digit."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.gold.current_costs import current_costs
from pipelines.tables import contract, read_table
from tests.conftest import Kafka, Launcher, SettingsFactory, catch_up

CHARGES = 400
LIMIT = 20_000


def charges(account: str, first_cost: str) -> list[dict[str, str]]:
    """Of one month. The last two are the same, as two equal purchases are; the first costs what is given."""
    rows = [
        {
            "BilledCost": f"0.{number:018d}", "EffectiveCost": f"0.{number:018d}", "BillingCurrency": "USD",
            "ChargePeriodStart": f"2026-09-{1 + number % 28:02d}T22:00:00Z", "ProviderName": "AWS",
            "ChargePeriodEnd": f"2026-09-{1 + number % 28:02d}T23:00:00Z", "BillingAccountId": account,
            "BillingPeriodStart": "2026-09-01T00:00:00Z", "BillingPeriodEnd": "2026-10-01T00:00:00Z",
            "ChargeCategory": "Usage", "ResourceId": f"i-{number}", "ChargeDescription": 'an hour,\nof "m5.large"',
        }
        for number in range(1, CHARGES)
    ]  # fmt: skip
    rows[0]["BilledCost"] = first_cost
    return [*rows, dict(rows[-1])]


def total(rows: list[dict[str, str]]) -> Decimal:
    return sum((Decimal(row["BilledCost"]) for row in rows), Decimal(0))


def write_csv(folder: Path, rows: list[dict[str, str]]) -> Path:
    folder.mkdir()
    with (folder / "report.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def write_parquet(folder: Path, rows: list[dict[str, str]]) -> Path:
    folder.mkdir()
    table = pa.table({name: [row[name] for row in rows] for name in rows[0]})
    costs = [Decimal(row["BilledCost"]) for row in rows]
    place = table.column_names.index("BilledCost")
    pq.write_table(table.set_column(place, "BilledCost", pa.array(costs, pa.decimal128(38, 18))), folder / "a.parquet")
    return folder


def test_reports_count_each_charge_once_however_often_they_are_sent(
    launch: Launcher, spark: SparkSession, kafka: Kafka, make_settings: SettingsFactory, tmp_path: Path
) -> None:
    topic, settings = kafka.topic("finops.focus"), make_settings(**kafka.environ)
    as_csv, restated = charges("as csv", "1.5"), charges("as parquet", "99.000000000000000001")
    folders = (
        write_csv(tmp_path / "1", as_csv),
        write_csv(tmp_path / "2", as_csv),
        write_parquet(tmp_path / "3", charges("as parquet", "0.25")),
        write_parquet(tmp_path / "4", restated),
    )

    for folder in folders:
        environ = {"LAKEHOUSE_ROOT": str(settings.root), **kafka.environ}
        sending = launch("lakehouse", "send", str(folder), "--topic", topic, "--limit", str(LIMIT), environ=environ)
        assert sending.wait(60) == 0, sending.output
        assert f"sent 1 files to {topic} in " in sending.output
        assert f"{CHARGES} records" in sending.output
    for job in ("bronze", "silver"):
        catch_up(spark, settings, kafka.bootstrap, job)

    costs = current_costs(read_table(spark, settings, contract("silver.costs")))
    found = costs.groupBy("BillingAccountId").agg(F.count("*").alias("charges"), F.sum("BilledCost").alias("billed"))
    assert {row[0]: (row[1], row[2]) for row in found.collect()} == {
        "as csv": (CHARGES, total(as_csv)),
        "as parquet": (CHARGES, total(restated)),
    }
    messages = read_table(spark, settings, contract("bronze.telemetry")).select(
        F.max(F.octet_length("value")), F.count("*")
    )
    largest, count = messages.collect()[0]
    assert largest <= LIMIT
    assert count > 8
