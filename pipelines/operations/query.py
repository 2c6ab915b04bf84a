"""SQL over the Delta tables without Spark: DuckDB reads the Parquet files that deltalake says are active.

Reading the files directly and not through a pyarrow dataset saves a second of imports. It is right as long as a table
has neither deletion vectors nor column mapping; one that has is refused, not misread.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines.errors import QueryError
from pipelines.operations.resource_views import INVENTORY, VIEWS, ResourceView
from pipelines.operations.time_pruning import Span, Within, files_within, time_span
from pipelines.settings import SCHEMAS_DIR, Settings
from pipelines.views import View, list_views

if TYPE_CHECKING:
    from deltalake import DeltaTable

_LAYERS = ("bronze", "silver", "gold")  # pipelines.tables has them too, but takes Spark to import
_SHOW_TABLES = re.compile(r"\s*show\s+(all\s+)?tables\s*;?\s*", re.IGNORECASE)
_PURPOSE = re.compile(r"^description:\n  purpose: (.+(?:\n    .+)*)", re.MULTILINE)
_UNREADABLE = {"deletionVectors", "columnMapping"}
_TYPES = {
    "string": "VARCHAR", "long": "BIGINT", "integer": "INTEGER", "short": "SMALLINT", "byte": "TINYINT",
    "double": "DOUBLE", "float": "REAL", "boolean": "BOOLEAN", "binary": "BLOB", "date": "DATE",
    "timestamp": "TIMESTAMP", "timestamp_ntz": "TIMESTAMP",
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """`more`: there are rows beyond the limit."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool = False


@dataclass(frozen=True)
class Listed:
    """A table that has a contract, whether it has been created or not."""

    layer: str
    name: str
    path: Path
    contract: Path

    @property
    def full_name(self) -> str:
        return f"{self.layer}.{self.name}"

    @property
    def exists(self) -> bool:
        return (self.path / "_delta_log").is_dir()


def list_tables(settings: Settings, schemas_dir: Path = SCHEMAS_DIR) -> tuple[Listed, ...]:
    """Every table, bronze first, by the names of the contracts."""
    return tuple(
        Listed(layer, path.stem, settings.table_path(layer, path.stem), path)
        for layer in _LAYERS
        for path in sorted((schemas_dir / "tables" / layer).glob("*.yaml"))
    )


def answer(settings: Settings, sql: str, limit: int | None = None) -> Answer:
    """The rows of one query, `limit` of them at most. Times are UTC, whatever the machine's zone.

    Raises QueryError: DuckDB's own message, or which table is unknown or not there yet.
    """
    if settings.catalog is not None:
        raise QueryError(
            f"the tables are in catalog {settings.catalog} (setting catalog), which this engine cannot read: ask them "
            "by a SQL warehouse, or unset catalog"
        )
    tables = list_tables(settings)
    if _SHOW_TABLES.fullmatch(sql):
        return _overview(tables)
    with connect(tables, sql) as connection:
        return fetch(connection, sql, tables, limit)


@contextmanager
def connect(
    tables: tuple[Listed, ...], mentioned_in: str, within: Sequence[Within] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with a view for each table whose name occurs in the text; each costs a few milliseconds to open.

    So do the views that it mentions, and the tables that those are made of. Of a table that `within` names only the
    files are opened that can hold such rows; the query still has to say which it wants. DuckDB cannot do that itself:
    Spark's files have no statistics of times, only Delta's log has. Raises QueryError if a table of a view has not been
    created.
    """
    connection = duckdb.connect(":memory:")
    try:
        connection.execute("SET TimeZone = 'UTC'; SET threads = 2")
        for layer in _LAYERS:
            connection.execute(f"CREATE SCHEMA {layer}")
        views = _mentioned_views(tables, mentioned_in)
        below = {name for view in views for name in view.needs}
        for table in tables:
            if table.exists and (table.full_name in below or _is_mentioned(table.name, mentioned_in)):
                connection.execute(f"CREATE VIEW {table.full_name} AS {_scan(table, within)}")
        for view in views:
            connection.execute(f"CREATE VIEW {view.full_name} AS {view.select}")
        connection.execute(f"SET search_path = '{','.join(_LAYERS)}'")
        yield connection
    finally:
        connection.close()


def _is_mentioned(name: str, text: str) -> bool:
    return re.search(rf"\b{name}\b", text, re.IGNORECASE) is not None


def _all_views() -> tuple[View | ResourceView, ...]:
    return *list_views(), *VIEWS


def _mentioned_views(tables: tuple[Listed, ...], text: str) -> tuple[View | ResourceView, ...]:
    """Raises QueryError if a table that a view needs has not been created."""
    mentioned = tuple(view for view in _all_views() if _is_mentioned(view.name, text))
    by_name = {table.full_name: table for table in tables}
    for view in mentioned:
        for name in view.needs:
            if not by_name[name].exists:
                raise QueryError(f"{view.full_name}: {_not_yet(by_name[name])}")
    return mentioned


def fetch(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    tables: tuple[Listed, ...],
    limit: int | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Answer:
    """`parameters` stand for `$name` in the query."""
    try:
        cursor = connection.execute(sql, dict(parameters) if parameters else None)
        columns = tuple(str(column[0]) for column in cursor.description or ())
        rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit + 1)
    except duckdb.Error as error:
        raise QueryError(_explain(str(error), tables)) from error
    kept = rows if limit is None else rows[:limit]
    return Answer(columns, tuple(tuple(row) for row in kept), more=len(rows) > len(kept))


def _overview(tables: tuple[Listed, ...]) -> Answer:
    created = " ".join(table.name for table in tables if table.exists)
    rows = []
    with connect(tables, created) as connection:
        for table in tables:
            count = None
            if table.exists:
                count = fetch(connection, f"SELECT count(*) FROM {table.full_name}", tables).rows[0][0]
            rows.append((table.full_name, count, _question(table)))
    counts = {name: count for name, count, _ in rows}
    # A view with resources has the rows of its first table; how many another has takes its whole query to tell.
    rows += [(view.full_name, None, view.question) for view in list_views() if _is_ready(view, tables)]
    rows += [(view.full_name, counts[view.needs[0]], view.question) for view in VIEWS if _is_ready(view, tables)]
    return Answer(("table", "rows", "the question it answers"), tuple(rows))


def _is_ready(view: View | ResourceView, tables: tuple[Listed, ...]) -> bool:
    return all(table.exists for table in tables if table.full_name in view.needs)


def span(table: Listed, column: str) -> Span | None:
    """The first and last time in a column, by the log alone; None if it tells of no row."""
    return time_span(_open(table), column)


def _scan(table: Listed, within: Sequence[Within] = ()) -> str:
    """With the columns of the Delta log, so that a table without files, or a file older than a column, reads too."""
    delta = _open(table)
    fields = [
        (_quoted(field["name"]), _type(field["type"])) for field in json.loads(delta.schema().to_json())["fields"]
    ]
    empty = ", ".join(f"NULL::{kind} AS {name}" for name, kind in fields)
    select = f"SELECT {empty} WHERE false"
    wanted = next((one for one in within if one.table == table.full_name), None)
    if files := files_within(delta, wanted) if wanted else delta.file_uris():
        listed = ", ".join(_literal(file) for file in files)
        select += f" UNION ALL BY NAME SELECT * FROM read_parquet([{listed}], union_by_name = true)"
    # Spark writes INT96, others a timestamp with time zone: a view has one type for both.
    return f"SELECT {', '.join(f'{name}::{kind} AS {name}' for name, kind in fields)} FROM ({select})"


def _open(table: Listed) -> DeltaTable:
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        delta = DeltaTable(str(table.path))
        features = set(delta.protocol().reader_features or ())
    except (DeltaError, OSError) as error:
        raise QueryError(f"table {table.full_name}: {table.path} cannot be read: {error}") from error
    if features & _UNREADABLE:
        raise QueryError(
            f"table {table.full_name} uses {' and '.join(sorted(features & _UNREADABLE))}, which this command does not "
            "read: query it with Spark"
        )
    return delta


def _type(delta: Any) -> str:
    if isinstance(delta, str):
        return _TYPES.get(delta, delta)  # decimal(p,s) is written the same way
    if delta["type"] == "map":
        return f"MAP({_type(delta['keyType'])}, {_type(delta['valueType'])})"
    if delta["type"] == "array":
        return f"{_type(delta['elementType'])}[]"
    return f"STRUCT({', '.join(_quoted(field['name']) + ' ' + _type(field['type']) for field in delta['fields'])})"


def _explain(message: str, tables: tuple[Listed, ...]) -> str:
    missing = re.search(r"Table with name (\S+) does not exist", message)
    schema = re.search(r'(?:schema|catalog) "?(\w+)"? does not exist', message, re.IGNORECASE)
    if not missing and not schema:
        return message
    if missing:
        name = missing[1].strip('"').rpartition(".")[2].lower()
        waiting = [table for table in tables if table.name == name and not table.exists]
        if waiting:
            return _not_yet(waiting[0])
    known = ", ".join([*(table.full_name for table in tables), *(view.full_name for view in _all_views())])
    return f"there is no {'table' if missing else 'schema'} {(missing or schema or '')[1]}; the tables are: {known}"


def _not_yet(table: Listed) -> str:
    job = "inventory" if table.full_name == INVENTORY else table.layer
    return f"table {table.full_name} has not been created yet: `lakehouse run {job}` creates it"


def _question(table: Listed) -> str:
    """By hand and not with a YAML parser, which takes half a second for all contracts."""
    found = _PURPOSE.search(table.contract.read_text(encoding="utf-8"))
    return re.sub(r"\s+", " ", found[1]).strip("'\"") if found else ""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
