"""silver.logs → silver.log_patterns, and rows of silver.anomaly_scores: new patterns, and unusual numbers of records.

Spark masks the messages and reduces a batch to a row a distinct masked message and minute, and a row a resource,
severity class and minute. The rest is a matter of those few rows, on the driver: `advance` is a pure function of them
and the state that the batch before left behind (state.py). So a repeated batch gives the same rows, and both writes
carry its transaction id. The state is saved last.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.detection.logs.minutes import score_minutes
from pipelines.detection.logs.patterns import PatternRules, assign_patterns, fold_patterns, new_patterns
from pipelines.detection.logs.rows import TABLE, minute_rows, new_rows, pattern_rows, score_rows
from pipelines.detection.logs.state import LogState, load_state, save_state, snapshots_of
from pipelines.detection.logs.summary import counts_of, forms_of
from pipelines.detection.logs.volume import Detector, VolumeRules
from pipelines.detection.scores import ANOMALY_THRESHOLD
from pipelines.settings import Settings
from pipelines.streams import Trigger, append_once, note_latency, query_id, read_appends, start_query
from pipelines.tables import Table, contract, ensure_table, overwrite_table

QUERY = "silver_log_patterns"
LOGS = contract("silver.logs")


@dataclass(frozen=True)
class LogRules:
    """`threshold`: the anomaly score from which a row is an anomaly."""

    patterns: PatternRules = field(default_factory=PatternRules)
    volume: VolumeRules = field(default_factory=VolumeRules)
    threshold: float = ANOMALY_THRESHOLD

    @property
    def pattern_version(self) -> str:
        return f"1-{hashlib.md5(repr(self.patterns).encode()).hexdigest()[:8]}"

    def volume_version(self, detector: Detector) -> str:
        return f"1-{hashlib.md5(f'{self.volume} {detector.version}'.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Step:
    """What a batch leads to: the state after it, and what it scores (columns of rows.SCORED)."""

    state: LogState
    scored: pd.DataFrame


def advance(state: LogState, forms: pd.DataFrame, counts: pd.DataFrame, rules: LogRules, detector: Detector) -> Step:
    """Learn a batch (`forms_of` and `counts_of` of it), and score what is new and what is over."""
    minutes = score_minutes(state, counts, rules.volume, detector)
    cases = assign_patterns(state.patterns, forms, rules.patterns)
    resources = minutes.state.resources.set_index("resource_id")
    new = new_patterns(state.patterns, cases, resources, rules.patterns.novelty)
    patterns = fold_patterns(state.patterns, cases, new["pattern_id"], rules.patterns)
    scored = [new_rows(new, rules.pattern_version), minute_rows(minutes.scored, rules.volume_version(detector))]
    filled = [rows for rows in scored if len(rows)] or scored[:1]
    return Step(replace(minutes.state, patterns=patterns), pd.concat(filled, ignore_index=True))


def write_batch(
    logs: DataFrame, batch_id: int, settings: Settings, query: str, rules: LogRules, detector: Detector
) -> None:
    """Bring patterns and scores up to date with a batch of silver.logs; a second time with it changes nothing.

    Raises StorageError if what the batch before knew is not there, MinerError without drain3.
    """
    spark = logs.sparkSession
    folder = snapshots_of(settings.root, query)
    state = load_state(folder, batch_id)
    counts = counts_of(logs).toArrow().to_pandas()
    if counts.empty:
        save_state(state, folder, batch_id)
        return
    step = advance(state, forms_of(logs).toArrow().to_pandas(), counts, rules, detector)
    if len(step.scored):
        scores = score_rows(spark, step.scored, rules.threshold).coalesce(1)
        append_once(scores, settings, scores_table(), query, batch_id)
    overwrite_table(
        pattern_rows(spark, step.state.patterns)
        .select(*TABLE.column_names)
        .coalesce(1)
        .write.option("txnAppId", query)
        .option("txnVersion", batch_id),
        settings,
        TABLE,
    )
    save_state(step.state, folder, batch_id)
    note_latency(QUERY, datetime.fromtimestamp(int(counts["oldest_arrival"].min()) / 1e6, UTC))


def scores_table() -> Table:
    return contract("silver.anomaly_scores")


def start(
    spark: SparkSession, settings: Settings, trigger: Trigger, rules: LogRules, detector: Detector
) -> StreamingQuery:
    for table in (LOGS, TABLE, scores_table()):
        ensure_table(spark, settings, table)
    writer = (
        read_appends(spark, settings, LOGS, settings.detection)
        .writeStream.outputMode("append")
        .foreachBatch(
            lambda batch, batch_id: write_batch(
                batch, batch_id, settings, query_id(batch.sparkSession), rules, detector
            )
        )
    )
    return start_query(writer, settings, QUERY, trigger, settings.detection.logs_interval)
