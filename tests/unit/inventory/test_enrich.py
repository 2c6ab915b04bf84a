"""The inventory's rows, and records joined with them, by hand-made rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from chispa import assert_df_equality
from deltalake import write_deltalake
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from pipelines.errors import QueryError
from pipelines.inventory.enrich import with_resource, with_resource_as_of
from pipelines.inventory.rows import rows_of
from pipelines.operations import query
from pipelines.settings import Settings
from tests.unit.inventory.conftest import NOON, Silver, at

VM = "/subscriptions/s-1/resourcegroups/rg-1/providers/microsoft.compute/virtualmachines/vm-1"


def version(resource: str, since: float, until: float | None, owner: str) -> dict[str, Any]:
    valid_to = None if until is None else at(until)
    return {
        "resource_id": resource, "valid_from": at(since), "valid_to": valid_to, "is_current": until is None,
        "owner": owner, "is_described": True,
    }  # fmt: skip


def test_each_record_has_its_resources_facts_now_or_then(spark: SparkSession, silver: Silver) -> None:
    inventory = silver("inventory", version(VM, 0, 10, "ann"), version(VM, 10, None, "bob"))
    records = silver(
        "metrics",
        {"resource_id": VM, "event_time": at(5)},
        {"resource_id": VM, "event_time": at(10)},
        {"resource_id": "?"},
    )
    columns = ("resource_id", "resource_owner", "resource_is_described", "resource_is_known")

    now = with_resource(records, inventory)
    then = with_resource_as_of(records, inventory)

    schema = "resource_id string, resource_owner string, resource_is_described boolean, resource_is_known boolean"
    unknown = ("?", None, None, False)
    expected = spark.createDataFrame([(VM, "bob", True, True)] * 2 + [unknown], schema)
    assert_df_equality(now.select(*columns), expected, ignore_row_order=True, ignore_nullable=True)
    expected = spark.createDataFrame([(VM, "ann", True, True), (VM, "bob", True, True), unknown], schema)
    assert_df_equality(then.select(*columns), expected, ignore_row_order=True, ignore_nullable=True)


def test_costs_have_columns_of_like_names(silver: Silver) -> None:
    costs = silver("costs", {"resource_id": VM, "Tags": {"a": "b"}}, {"resource_id": None})

    found = (
        with_resource(costs, silver("inventory", version(VM, 0, None, "ann"))).orderBy(F.desc("resource_id")).collect()
    )

    assert [(row["Tags"], row["resource_owner"], row["resource_is_known"]) for row in found] == [
        ({"a": "b"}, "ann", True),
        (None, None, False),
    ]


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> dict[str, Row]:
    told = {"source-b": (NOON, {}), "source-a": (NOON, {})}
    all_ = {
        VM: {"tags.Team": "blue", "tags.OWNER": " ann ", "os_type": "linux"},
        "arn:aws:ec2:eu-west-1:1:instance/i-1": {"tags.Name": "cart", "tags.team": "blue", "tags.owner": ""},
        "10.0.0.7:9100": {"resource_type": "prometheus.target"},
        "k8s://shop/pod/cart": {"host_name": "h"},
    }
    versions = spark.createDataFrame(
        [(resource, NOON, None, facts, told, NOON) for resource, facts in all_.items()],
        "resource_id string, valid_from timestamp, valid_to timestamp, facts map<string,string>, "
        "told map<string,struct<at: timestamp, facts: map<string,string>>>, first_seen timestamp",
    )
    return {row["resource_id"]: row for row in rows_of(versions, ("owner", "team")).collect()}


def test_the_owner_is_by_the_first_tag_whatever_its_capitals(rows: dict[str, Row]) -> None:
    assert [row["owner"] for row in rows.values()] == ["ann", "blue", None, None]
    assert rows[VM]["tags"] == {"Team": "blue", "OWNER": " ann "}


def test_what_nobody_told_is_by_the_id(rows: dict[str, Row]) -> None:
    names = [(row["resource_name"], row["host_name"]) for row in rows.values()]

    assert names == [("vm-1", "vm-1"), ("cart", "i-1"), ("10.0.0.7:9100", "10.0.0.7"), ("cart", "h")]
    assert (rows[VM]["resource_group"], rows[VM]["cloud_account_id"]) == ("rg-1", "s-1")
    assert [row["is_described"] for row in rows.values()] == [True, True, False, True]
    assert rows[VM]["sources"] == ["source-a", "source-b"]


def test_sql_has_a_view_of_records_with_resources(settings: Settings, spark: SparkSession, silver: Silver) -> None:
    with pytest.raises(QueryError, match=r"silver\.logs has not been created yet: `lakehouse run silver`"):
        query.answer(settings, "SELECT * FROM silver.logs_with_resource")
    write_deltalake(str(settings.table_path("silver", "logs")), pa.table({"resource_id": ["a", "b", None]}))
    with pytest.raises(QueryError, match=r"silver\.inventory has not been created yet: `lakehouse run inventory`"):
        query.answer(settings, "SELECT * FROM silver.logs_with_resource")
    inventory = silver("inventory", version("a", 0, 10, "ann"), version("a", 10, None, "bob"))
    inventory.withColumn("told", F.create_map().cast(inventory.schema["told"].dataType)).write.format("delta").save(
        str(settings.table_path("silver", "inventory"))
    )

    found = query.answer(
        settings, "SELECT resource_id, resource_owner, resource_is_known FROM logs_with_resource ORDER BY ALL"
    )

    assert found.rows == (("a", "bob", True), ("b", None, False), (None, None, False))
    assert [row[:2] for row in query.answer(settings, "SHOW TABLES").rows if row[0].endswith("_with_resource")] == [
        ("silver.logs_with_resource", 3)
    ]
