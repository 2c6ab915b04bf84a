"""From what was seen to how each day ended: which fields are as the controls want them, and which drifted."""

from __future__ import annotations

from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.gold.drift.baseline import Control
from pipelines.gold.globs import is_one_of

# What makes a drift the same one.
FIELD = ("resource_id", "control_id", "item_name", "field")
# What is known of a drift that was open before the days that are worked out.
KNOWN = ("known_since", "known_expected")
# So many days after it was last seen, nothing is said of a field any more; agents list what is there more often.
LOOK_BACK_DAYS = 35
_LAST = ("resource_type", "host_name", "account", "provider", "item_type", "value", "expected", "known_since")


def judged(observations: DataFrame, controls: tuple[Control, ...], known: DataFrame) -> DataFrame:
    """Observations, each as often as a control is about it, with `control_id`, `expected`, `is_drift` and KNOWN.

    `known`: FIELD and KNOWN of drifts that were open before. Of what must not change, what was expected then still is;
    else the first value there is of the field.
    """
    matched = F.array_compact(F.array(*(F.when(_is_about(control), F.lit(control.id)) for control in controls)))
    # Nothing can be said of a value that is not told.
    told = observations.where(F.col("value").isNotNull())
    # Not `explode`, of which Spark would make a filter that asks all controls once more.
    asked = told.withColumn("control_id", F.explode_outer(matched)).where(F.col("control_id").isNotNull())
    rows = asked.dropDuplicates(["event_id", *FIELD])
    rows = rows.join(F.broadcast(known), list(FIELD), "left")
    in_time = Window.partitionBy(*FIELD).orderBy("event_time", "event_id")
    first = F.coalesce("known_expected", F.first(F.coalesce("previous", "value"), ignorenulls=True).over(in_time))
    rows = rows.withColumn("expected", F.coalesce(*(_of(control, _expected(control, first)) for control in controls)))
    is_drift = F.coalesce(*(_of(control, _is_drift(control)) for control in controls))
    return rows.withColumn("is_drift", F.coalesce(is_drift, F.expr("false")))


def _is_about(control: Control) -> Column:
    scope = control.applies_to
    conditions = [
        is_one_of(F.col("item_type"), [control.item_type]),
        is_one_of(F.col("field"), [control.field]),
        is_one_of(F.col("item_name"), [control.item]),
    ]
    if scope.resource_types:
        conditions.append(is_one_of(F.col("resource_type"), scope.resource_types))
    if scope.resources:
        conditions.append(is_one_of(F.col("resource_id"), scope.resources))
    conditions += [is_one_of(F.try_element_at("tags", F.lit(tag)), [value]) for tag, value in scope.tags.items()]
    return reduce(Column.__and__, conditions)


def _of(control: Control, value: Column) -> Column:
    return F.when(F.col("control_id") == control.id, value)


def _expected(control: Control, first: Column) -> Column:
    return first if control.must_not_change else F.lit(control.expected)


def _is_drift(control: Control) -> Column:
    if control.must_not_change:
        return F.col("value") != F.col("expected")
    if control.allowed:
        return ~is_one_of(F.col("value"), control.allowed)
    return is_one_of(F.col("value"), control.forbidden)


def daily_states(rows: DataFrame, first: date, last: date) -> DataFrame:
    """What `judged` found → a row a field and day of `first` to `last`: how it was when the day ended.

    `run` numbers the drifts of a field; a drift goes on until the field is as it should be. Of the last drift that has
    begun by then: `since`, `last_seen`, `actual`, `change_event_id`, and `closed_at` once it is over. Only what was
    seen by the end of a day counts for it, so that it may be worked out again at any time.
    """
    in_time = Window.partitionBy(*FIELD).orderBy("event_time", "event_id")
    begins = F.col("is_drift") & ~F.coalesce(F.lag("is_drift").over(in_time), F.expr("false"))
    runs = rows.withColumn("run", F.sum(begins.cast("int")).over(in_time))
    seen_on = F.to_date("event_time")
    forgotten = F.date_add(seen_on, LOOK_BACK_DAYS)
    days = F.sequence(F.greatest(seen_on, F.lit(first)), F.least(forgotten, F.lit(last)))
    in_reach = (seen_on <= F.lit(last)) & (forgotten >= F.lit(first))
    by_day = runs.where(in_reach).withColumn("day", F.explode(days))
    latest = F.struct("event_time", "event_id")
    bad, good = F.col("is_drift"), ~F.col("is_drift")
    per_run = by_day.groupBy(*FIELD, "day", "run").agg(
        F.max_by(F.struct(*_LAST, "is_drift"), latest).alias("last"),
        F.min(F.when(bad, F.col("event_time"))).alias("since"),
        F.max(F.when(bad, F.col("event_time"))).alias("last_seen"),
        F.min(F.when(good, F.col("event_time"))).alias("closed_at"),
        F.max_by(F.when(bad, F.col("value")), F.when(bad, latest)).alias("actual"),
        F.min_by(F.when(bad, F.col("event_id")), F.when(bad, latest)).alias("change_event_id"),
    )
    newest = Window.partitionBy(*FIELD, "day").orderBy(F.desc("run"))
    is_newest = F.row_number().over(newest) == 1
    # It was open when the first day began, so it is the one that was open the day before.
    is_known = (F.to_date("since") < F.lit(first)) & F.col("last.known_since").isNotNull()
    since = F.when(is_known, F.least("since", "last.known_since")).otherwise(F.col("since"))
    return per_run.withColumns({"is_newest": is_newest, "since": since}).select(
        *FIELD, "day", "run", "is_newest", "since", "last_seen", "closed_at", "actual", "change_event_id",
        *(F.col(f"last.{name}").alias(name) for name in _LAST), F.col("last.is_drift").alias("is_drift"),
    )  # fmt: skip
