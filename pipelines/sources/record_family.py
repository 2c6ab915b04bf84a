"""A telemetry family that is decoded where it occurs, batch by batch: how it is recognised, what its records become.

Unlike the families of `decode`, which are part of the stream's one plan, these cost nothing where they do not occur.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column

from pipelines.sources.rows import SilverRow


@dataclass(frozen=True)
class RecordFamily:
    """`claims`, `parts` and `decode` are pure, from Columns to Columns; the topic is only a hint.

    claims: record (variant), topic → whether it is of this family. The first in the catalogue to claim it has it.
    row: the silver table's dataclass that `decode` gives.
    decode: record, one of its parts, topic → the columns of that part's row.
    parts: record → array<variant>, where one record makes several rows. Null or empty: it makes one, of a null part.
    """

    name: str
    claims: Callable[[Column, Column], Column]
    row: type[SilverRow]
    decode: Callable[[Column, Column, Column], SilverRow]
    parts: Callable[[Column], Column] | None = None
