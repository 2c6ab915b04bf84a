"""Days of silver, made by Spark: machines that report every minute, and what is logged, changed and charged on them.

Loads follow office hours on a base, with noise; a few machines are idle, as in any estate. Everything is a function of
the day and the number of the machine, so a day is the same whenever it is made.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines import routing
from pipelines.settings import Settings
from pipelines.tables import Table, contract

LOGS, EVENTS, CHANGES, COSTS = (
    contract(f"silver.{name}") for name in ("logs", "events", "config_changes", "costs")
)  # fmt: skip
TABLES = (routing.METRICS, routing.HEARTBEATS, LOGS, EVENTS, CHANGES, COSTS)
MINUTES, HOURS = 1440, 24
# Of machines, a row of each: metric, unit, base and what the load adds, in the metric's unit.
_METRICS = (
    ("CPUUtilization", "AWS/EC2", "Percent", 3.0, 60.0),
    ("mem_used_percent", "CWAgent", "Percent", 40.0, 15.0),
    ("disk_used_percent", "CWAgent", "Percent", 50.0, 1.0),
    ("NetworkIn", "AWS/EC2", "Bytes", 1e5, 5e7),
)
_LOGS_A_DAY, _EVENTS_A_DAY, _CHANGES_A_DAY = 48, 4, 1
_FILES = 2


def write_day(spark: SparkSession, settings: Settings, day: date, machines: int) -> None:
    """Append a day to every table, in files of its own."""
    for table, rows in (
        (routing.METRICS, _metrics(spark, machines)),
        (routing.HEARTBEATS, _every(spark, machines, MINUTES)),
        (LOGS, _logs(spark, machines)),
        (EVENTS, _events(spark, machines)),
        (CHANGES, _changes(spark, machines)),
        (COSTS, _costs(spark, machines, day)),
    ):
        filled = _filled(rows, table, day)
        filled.coalesce(_FILES).write.format("delta").mode("append").save(table.path(settings))


def _every(spark: SparkSession, machines: int, times: int) -> DataFrame:
    """`machines` rows at each of `times` moments of a day: number, and second of the day; in order of time."""
    rows = spark.range(0, machines * times, numPartitions=_FILES)
    return rows.select(
        "id",
        (F.col("id") % machines).alias("number"),
        (F.floor(F.col("id") / machines) * (86_400 // times)).alias("second"),
    )


def _metrics(spark: SparkSession, machines: int) -> DataFrame:
    hour = F.col("second") / 3600
    # Machines 0, 20, 40, … do nothing.
    busy = F.when(F.col("number") % 20 == 0, 0.0).otherwise(F.exp(-(((hour - 13) / 4) ** 2)))
    noise = F.pmod(F.xxhash64("id"), F.lit(1000)) / 1000
    kinds = F.array(
        *(
            F.struct(
                F.lit(metric).alias("metric"), F.lit(namespace).alias("namespace"), F.lit(unit).alias("unit"),
                (F.lit(base) + F.lit(gain) * busy * (0.7 + 0.3 * noise)).alias("value"),
            )
            for metric, namespace, unit, base, gain in _METRICS
        )
    )  # fmt: skip
    rows = _every(spark, machines, MINUTES).withColumn("kind", F.explode(kinds)).select("*", "kind.*").drop("kind")
    return rows.withColumns(
        {"series_id": F.xxhash64("number", "metric"), "interval_seconds": F.lit(60), "sample_count": F.lit(1.0)}
    )


def _logs(spark: SparkSession, machines: int) -> DataFrame:
    is_error = F.col("id") % 20 == 0
    return _every(spark, machines, _LOGS_A_DAY).withColumns(
        {
            "severity_number": F.when(is_error, 17).otherwise(9),
            "severity_text": F.when(is_error, "ERROR").otherwise("INFO"),
            "message": F.format_string("request %d took %d ms", "id", F.col("id") % 500),
        }
    )


def _events(spark: SparkSession, machines: int) -> DataFrame:
    return _every(spark, machines, _EVENTS_A_DAY).withColumns(
        {
            "category": F.lit("Administrative"),
            "action": F.when(F.col("id") % 2 == 0, "ConsoleLogin").otherwise("AuthorizeSecurityGroupIngress"),
            "actor": F.format_string("user-%d", F.col("id") % 50),
            "outcome": F.when(F.col("id") % 10 == 0, "Failure").otherwise("Success"),
            "message": F.lit("made by the bench"),
        }
    )


def _changes(spark: SparkSession, machines: int) -> DataFrame:
    return _every(spark, machines, _CHANGES_A_DAY).withColumns(
        {"change_type": F.lit("modified"), "item_type": F.lit("service"), "item_name": F.lit("sshd")}
    )


def _costs(spark: SparkSession, machines: int, day: date) -> DataFrame:
    """Each machine's hours, as charges that no delivery names."""
    amount = F.lit("0.096").cast("decimal(38,18)")
    start = F.timestamp_seconds(F.unix_seconds(_midnight(day)) + F.col("second"))
    given = {
        "ProviderName": "AWS", "BillingAccountId": "bench", "SubAccountId": "account", "BillingCurrency": "USD",
        "ServiceName": "Amazon Elastic Compute Cloud", "ServiceCategory": "Compute", "RegionId": "eu-west-1",
        "ChargeCategory": "Usage", "PricingCategory": "Standard", "ConsumedUnit": "Hours",
        "ChargeDescription": "$0.096 per On Demand Linux m5.large Instance Hour", "export_id": "bench",
    }  # fmt: skip
    month = F.date_trunc("month", _midnight(day))
    return _every(spark, machines, HOURS).withColumns(
        {
            **{name: F.lit(value) for name, value in given.items()},
            "ChargePeriodStart": start,
            "ChargePeriodEnd": start + F.expr("INTERVAL 1 HOUR"),
            "BillingPeriodStart": month,
            "BillingPeriodEnd": F.add_months(month, 1).cast("timestamp"),
            "BilledCost": amount,
            "EffectiveCost": amount,
            "ConsumedQuantity": F.lit(1).cast("decimal(38,18)"),
            "Tags": F.create_map(
                F.lit("env"), F.lit("prod"), F.lit("team"), F.format_string("team-%d", F.col("number") % 9)
            ),
        }
    )


def _filled(rows: DataFrame, table: Table, day: date) -> DataFrame:
    """All columns of the contract: the common ones made up, those that `rows` lacks null."""
    time = F.timestamp_seconds(F.unix_seconds(_midnight(day)) + F.col("second"))
    instance = F.format_string("i-%017x", "number")
    resource = F.concat(F.lit("arn:aws:ec2:eu-west-1:123456789012:instance/"), instance)
    given: dict[str, Column] = {
        "event_time": time,
        "kafka_timestamp": time,
        "ingest_time": time,
        "event_id": F.md5(F.concat_ws("|", F.lit(f"{table.name} {day}"), "id", *_kind(rows)).cast("binary")),
        "charge_id": F.md5(F.concat_ws("|", F.lit(str(day)), "id").cast("binary")),
        "source": F.lit("bench"),
        "cloud_provider": F.lit("aws"),
        "cloud_account_id": F.lit("123456789012"),
        "cloud_region": F.lit("eu-west-1"),
        "resource_id": instance if table.name == "costs" else resource,
        "resource_type": F.lit("AWS/EC2"),
        "host_name": instance,
        "topic": F.lit("bench"),
        "partition": F.lit(0),
        "offset": F.col("id") + F.lit(day.toordinal() * 10**9),
        "item": F.lit(0),
        "part": F.lit(0),
    }
    found = rows.withColumns({name: value for name, value in given.items() if name not in rows.columns})
    return found.select(
        *(
            (F.col(column.name) if column.name in found.columns else F.lit(None)).cast(column.type).alias(column.name)
            for column in table.columns
        )
    )


def _kind(rows: DataFrame) -> list[str]:
    return ["metric"] if "metric" in rows.columns else []


def _midnight(day: date) -> Column:
    return F.lit(str(day)).cast("timestamp")
