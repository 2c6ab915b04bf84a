"""Table contracts (schemas/tables/<layer>/<table>.yaml, Open Data Contract Standard v3) and their Delta tables.

The contract is the one source of columns, types, comments, keys, clustering, properties, row rules and checks.

Where a table is, is decided here and nowhere else: in the folder `<root>/<layer>/<table>`, or, where the setting
`catalog` names one, in that catalog as `<catalog>.<layer>.<table>`. Everything else says which table it means, and
takes `read_table`, `load_table`, `save_table`, `overwrite_table`, `start_into`, `delta_table`, `table_exists` or
`Table.sql_name`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from delta.tables import DeltaTable
from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject
from pyspark.sql import DataFrame, DataFrameReader, DataFrameWriter, SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamReader, DataStreamWriter
from pyspark.sql.types import DataType, StructType

from pipelines.errors import ContractError, StorageError
from pipelines.rules import RowRule, TableCheck, row_rules, table_checks
from pipelines.settings import SCHEMAS_DIR, Settings

LAYERS = ("bronze", "silver", "gold")


@dataclass(frozen=True)
class Column:
    name: str
    type: str  # Spark DDL
    comment: str
    required: bool
    unit: str | None


@dataclass(frozen=True)
class Table:
    """`time_column`: what places a row in time for `lakehouse check`; None if the table is not checked.

    `retention_column`: what its age is counted by where that is another, or it is not checked.
    """

    layer: str
    name: str
    question: str
    grain: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    cluster_by: tuple[str, ...]
    retention_days: int
    properties: tuple[tuple[str, str], ...]
    rules: tuple[RowRule, ...]
    checks: tuple[TableCheck, ...]
    time_column: str | None
    retention_column: str | None = None

    @property
    def full_name(self) -> str:
        return f"{self.layer}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def path(self, settings: Settings) -> str:
        """The table's folder. Raises StorageError where a catalog keeps the tables: it alone knows their folders."""
        if settings.catalog is not None:
            raise StorageError(
                f"table {self.full_name} is in catalog {settings.catalog} (setting catalog) and not at a path: what "
                "works on files does not work on it"
            )
        return str(settings.table_path(self.layer, self.name))

    def sql_name(self, settings: Settings) -> str:
        """The table as SQL and Delta name it: `` `catalog`.`layer`.`table` `` or ``delta.`path` ``."""
        if settings.catalog is None:
            return f"delta.`{self.path(settings)}`"
        return f"`{settings.catalog}`.`{self.layer}`.`{self.name}`"

    def place(self, settings: Settings) -> str:
        """Where it is, in words for a message."""
        return f"{settings.catalog}.{self.full_name}" if settings.catalog is not None else self.path(settings)


@cache
def contract(full_name: str, schemas_dir: Path = SCHEMAS_DIR) -> Table:
    """The contract of `layer.table`. Raises ContractError if it is not there or not readable."""
    layer, _, name = full_name.partition(".")
    path = schemas_dir / "tables" / layer / f"{name}.yaml"
    try:
        document = OpenDataContractStandard.from_file(str(path))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ContractError(f"contract of table {full_name}: {path} cannot be read: {error}") from error
    if not document.schema_:
        raise ContractError(f"contract of table {full_name}: {path} has no `schema`")
    schema = document.schema_[0]
    columns = tuple(_column(property_) for property_ in schema.properties or ())
    keys = sorted(
        (property_ for property_ in schema.properties or () if property_.primaryKey),
        key=lambda property_: property_.primaryKeyPosition or 0,
    )
    retention = next((sla for sla in document.slaProperties or () if sla.property == "retention"), None)
    if retention is None or retention.value is None:
        raise ContractError(f"contract of table {full_name}: {path} has no slaProperties `retention` (days)")
    return Table(
        layer=layer,
        name=name,
        question=schema.description or "",
        grain=schema.dataGranularityDescription or "",
        columns=columns,
        keys=tuple(str(key.name) for key in keys),
        cluster_by=tuple(_custom(schema, "clusterBy") or ()),
        retention_days=int(retention.value),
        properties=tuple(dict(_custom(schema, "deltaProperties") or {}).items()),
        rules=row_rules(full_name, schema),
        checks=table_checks(full_name, schema, tuple(column.name for column in columns)),
        time_column=_custom(schema, "timeColumn"),
        retention_column=retention.element,
    )


def all_contracts(schemas_dir: Path = SCHEMAS_DIR) -> tuple[Table, ...]:
    """Every table, bronze first."""
    return tuple(
        contract(f"{layer}.{path.stem}", schemas_dir)
        for layer in LAYERS
        for path in sorted((schemas_dir / "tables" / layer).glob("*.yaml"))
    )


def table_exists(spark: SparkSession, settings: Settings, table: Table) -> bool:
    if settings.catalog is not None:
        return spark.catalog.tableExists(table.sql_name(settings))
    return bool(DeltaTable.isDeltaTable(spark, table.path(settings)))


def delta_table(spark: SparkSession, settings: Settings, table: Table) -> DeltaTable:
    """The table for MERGE, DELETE, OPTIMIZE and its history."""
    if settings.catalog is not None:
        return DeltaTable.forName(spark, table.sql_name(settings))
    return DeltaTable.forPath(spark, table.path(settings))


def load_table(reader: DataFrameReader | DataStreamReader, settings: Settings, table: Table) -> DataFrame:
    """What `reader`, with its options, makes of the table: `spark.read` or `spark.readStream`."""
    reader = reader.format("delta")
    if settings.catalog is not None:
        return reader.table(table.sql_name(settings))
    return reader.load(table.path(settings))


def read_table(spark: SparkSession, settings: Settings, table: Table) -> DataFrame:
    return load_table(spark.read, settings, table)


def save_table(writer: DataFrameWriter, settings: Settings, table: Table) -> None:
    """Append to the table, which `ensure_table` has made, or replace what the `replaceWhere` of `writer` says."""
    writer = writer.format("delta")
    if settings.catalog is not None:
        writer.saveAsTable(table.sql_name(settings))
        return
    writer.save(table.path(settings))


def overwrite_table(writer: DataFrameWriter, settings: Settings, table: Table) -> None:
    """Replace all rows of the table, which `ensure_table` has made, in one commit."""
    if settings.catalog is not None:
        # By name, a plain overwrite makes the table anew, and without its clustering.
        writer = writer.option("replaceWhere", "true")
    save_table(writer.mode("overwrite"), settings, table)


def start_into(writer: DataStreamWriter, settings: Settings, table: Table) -> StreamingQuery:
    """Start a stream that appends to the table, which `ensure_table` has made."""
    writer = writer.format("delta").outputMode("append")
    if settings.catalog is not None:
        return writer.toTable(table.sql_name(settings))
    return writer.option("path", table.path(settings)).start()


def ensure_table(spark: SparkSession, settings: Settings, table: Table) -> None:
    """Create the Delta table, or add to it the columns and properties that its contract has gained.

    Raises ContractError, with all that differs, if a column has another type (data is never coerced silently), is not
    in the contract any more, or takes no nulls where the contract does. Raises StorageError if the folder cannot be
    written, or the catalog does not let us.
    """
    place = table.place(settings)
    try:
        exists = table_exists(spark, settings, table)
    except Exception as error:
        raise StorageError(f"table {table.full_name}: {place} cannot be read: {_first_line(error)}") from error
    if exists:
        _evolve(spark, settings, table)
        return
    try:
        spark.sql(_create(table, table.sql_name(settings)))
    except Exception as error:
        raise StorageError(f"table {table.full_name}: cannot be created at {place}: {_first_line(error)}") from error


def _create(table: Table, sql_name: str) -> str:
    """The statement, which unlike Delta's builder takes a catalog's name in three parts."""
    columns = ", ".join(f"`{column.name}` {column.type} COMMENT {_quoted(column.comment)}" for column in table.columns)
    clauses = [f"CREATE TABLE IF NOT EXISTS {sql_name} ({columns}) USING delta"]
    if table.cluster_by:
        clauses.append(f"CLUSTER BY ({', '.join(f'`{name}`' for name in table.cluster_by)})")
    clauses.append(f"COMMENT {_quoted(table.question)}")
    if table.properties:
        clauses.append(f"TBLPROPERTIES ({_assigned(table.properties)})")
    return " ".join(clauses)


def _assigned(properties: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{_quoted(key)} = {_quoted(value)}" for key, value in properties)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _evolve(spark: SparkSession, settings: Settings, table: Table) -> None:
    actual = read_table(spark, settings, table).schema
    differences = _differences(table, actual)
    if differences:
        raise ContractError(
            f"table {table.full_name} at {table.place(settings)}: {'; '.join(differences)}; migrate the table or "
            f"correct schemas/tables/{table.layer}/{table.name}.yaml"
        )
    missing = [column for column in table.columns if column.name not in actual.names]
    if missing:
        added = ", ".join(f"`{column.name}` {column.type}" for column in missing)
        spark.sql(f"ALTER TABLE {table.sql_name(settings)} ADD COLUMNS ({added})")
    known = delta_table(spark, settings, table).detail().select("properties").collect()[0][0]
    changed = _assigned((key, value) for key, value in table.properties if known.get(key) != value)
    if changed:
        spark.sql(f"ALTER TABLE {table.sql_name(settings)} SET TBLPROPERTIES ({changed})")


def _differences(table: Table, actual: StructType) -> list[str]:
    """What no start can bring in line by itself, all of it: a sentence each."""
    wanted = {column.name: column for column in table.columns}
    found = []
    for field in actual.fields:
        column = wanted.get(field.name)
        if column is None:
            found.append(f"column {field.name} ({field.dataType.simpleString()}) is not in its contract")
            continue
        if field.dataType != parse_type(column.type):
            found.append(f"column {field.name} is {field.dataType.simpleString()}, its contract says {column.type}")
        if not field.nullable and not column.required:
            found.append(f"column {field.name} is NOT NULL, its contract does not require it")
    return found


def parse_type(ddl: str) -> DataType:
    parsed = StructType.fromDDL(f"c {ddl}")
    assert isinstance(parsed, StructType)
    return parsed.fields[0].dataType


def _column(property_: Any) -> Column:
    unit = next((custom.value for custom in property_.customProperties or () if custom.property == "unit"), None)
    return Column(property_.name, property_.physicalType, property_.description or "", bool(property_.required), unit)


def _custom(schema: SchemaObject, name: str) -> Any:
    return next((custom.value for custom in schema.customProperties or () if custom.property == name), None)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
