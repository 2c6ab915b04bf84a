"""What a series did before and after an anomaly: was it a lone point, or the beginning of something that lasts?

A detector of single series says a thing once and is quiet then (`docs/detection.md`), so the number of its anomalies
does not tell how long a trouble lasts. The series itself does: after a false alarm it is back within the band of that
moment at once; after a shift, a leak or a fall it is not, for as long as that lasts.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.detection.peers.groups import counts_up
from pipelines.gold.incidents.options import IncidentOptions

# Those that are quiet after an anomaly, and have a row of every value. The others judge every minute anew.
_OF_SERIES = ("univariate", "log_volume")
ANOMALY = ("detector", "series_id", "event_time")


def with_course(anomalies: DataFrame, scores: DataFrame, options: IncidentOptions) -> DataFrame:
    """Rows of silver.anomaly_scores that are anomalies, with `tells` and `until`.

    `tells`: whether it says how the resource does now. A counter that has begun anew, or grown by one, stays there for
    ever: what counts up by its name, or has nearly always risen in the time `counted` before.
    `until`: the last time the series was where it was not expected; null if it came back at once, or does not tell. It
    stays away if of the values of the `proof` after the anomaly `least_beyond` lie beyond what was expected at it, on
    its side; until a pause, or at most `new_normal`.
    """
    course = _course(anomalies, scores, options)
    tells = ~counts_up() & ~F.coalesce("counts", F.expr("false"))
    until = F.when(tells & F.col("detector").isin(*_OF_SERIES), F.col("until"))
    return anomalies.join(course, [*ANOMALY], "left").withColumns({"tells": tells, "until": until}).drop("counts")


def _course(anomalies: DataFrame, scores: DataFrame, options: IncidentOptions) -> DataFrame:
    """ANOMALY, `counts`, and `until` as above, of anomalies whose series is there."""
    is_above = F.col("value") > F.col("expected")
    said = anomalies.where(~counts_up()).select(
        "detector",
        "series_id",
        F.col("event_time").alias("at"),
        is_above.alias("is_above"),
        F.when(is_above, F.col("upper")).otherwise(F.col("lower")).alias("bound"),
        F.when(F.col("detector").isin(*_OF_SERIES), F.col("event_time") + _interval(options.new_normal))
        .otherwise(F.col("event_time"))
        .alias("end"),
    )
    values = scores.where(F.col("detector").isin(*_OF_SERIES) & ~F.isnan("value"))
    # Anomalies are few, so each row of the days meets those of its series where it lies.
    met = (
        values.select("series_id", "event_time", "value")
        .join(F.broadcast(said), "series_id")
        .where(F.col("event_time").between(F.col("at") - _interval(options.counted), F.col("end")))
    )
    of_one = Window.partitionBy("detector", "series_id", "at").orderBy("event_time")
    time, at = F.col("event_time"), F.col("at")
    beyond = F.when(F.col("is_above"), F.col("value") > F.col("bound")).otherwise(F.col("value") < F.col("bound"))
    step = F.when(time < at, F.col("value") - F.lag("value").over(of_one))
    placed = met.withColumns({"step": step, "is_beyond": beyond & (time > at)})
    last_beyond = F.max(F.when(F.col("is_beyond"), time)).over(of_one.rowsBetween(Window.unboundedPreceding, -1))
    is_away = time - F.coalesce(last_beyond, at) <= _interval(options.pause)
    followed = placed.withColumn("is_away", is_away).withColumn("was_away", F.min("is_away").over(of_one))
    proves = (time > at) & (time <= at + _interval(options.proof))
    counted = followed.groupBy("detector", "series_id", "at").agg(
        F.count("step").alias("steps"),
        F.count_if(F.col("step") > 0).alias("rises"),
        F.count_if(F.col("step") < 0).alias("falls"),
        F.count_if(proves).alias("rows"),
        F.count_if(proves & F.col("is_beyond")).alias("beyond"),
        F.max(F.when(F.col("is_beyond") & F.col("was_away"), time)).alias("until"),
    )
    steps = F.greatest("steps", F.lit(1))
    counts = (F.col("rises") / steps >= options.least_rises) & (F.col("falls") / steps <= 1 - options.least_rises)
    stays = (F.col("rows") >= options.least_rows) & (F.col("beyond") >= options.least_beyond * F.col("rows"))
    return counted.select(
        "detector",
        "series_id",
        at.alias("event_time"),
        counts.alias("counts"),
        F.when(stays, F.col("until")).alias("until"),
    )


def _interval(duration: timedelta) -> Column:
    return F.expr(f"INTERVAL '{duration.total_seconds()}' SECOND")
