"""The views of `lakehouse sql` that show records with what silver.inventory knows of their resource now.

The same join as `pipelines.inventory.enrich.with_resource`, in DuckDB's SQL: this module takes no Spark to import.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.inventory.columns import IS_KNOWN, JOINED, TOLD_BY

INVENTORY = "silver.inventory"


@dataclass(frozen=True)
class ResourceView:
    """The records of one silver table, each with its resource's current facts."""

    table: str

    @property
    def name(self) -> str:
        return f"{self.table}_with_resource"

    @property
    def full_name(self) -> str:
        return f"silver.{self.name}"

    @property
    def needs(self) -> tuple[str, str]:
        return f"silver.{self.table}", INVENTORY

    @property
    def question(self) -> str:
        return (
            f"The rows of silver.{self.table}, each with its resource's owner, tags, group and system as they are now."
        )

    @property
    def select(self) -> str:
        facts = ", ".join(f"i.{theirs} AS {ours}" for theirs, ours in JOINED)
        return (
            f"SELECT r.*, {facts}, i.resource_id IS NOT NULL AS {IS_KNOWN} FROM silver.{self.table} r "
            f"LEFT JOIN {INVENTORY} i ON r.resource_id = i.resource_id AND i.is_current"
        )


VIEWS = tuple(ResourceView(table) for table in TOLD_BY)
