"""Anomalies of a resource that are close in time, as one symptom; whether it is an incident or a false alarm."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.gold.incidents.options import IncidentOptions
from pipelines.gold.incidents.shifts import with_course
from pipelines.gold.incidents.signals import ANOMALY, SEVERITIES


def anomaly_signals(scores: DataFrame, options: IncidentOptions) -> DataFrame:
    """Rows of silver.anomaly_scores → one signal for each spell of anomalies of a resource.

    It opens an incident if a series has stayed where it was not expected (`shifts`), if it has anomalies in
    `least_minutes`, or if several metrics were unusual and one of them by `sure_score`. What does not tell opens none.
    """
    signal = F.coalesce(F.get("top_contributors", F.lit(0)), "metric")
    said = with_course(scores.where("is_anomaly"), scores, options).withColumn("signal", signal)
    lasts = F.col("until").isNotNull()
    minutes = said.groupBy("resource_id", F.date_trunc("minute", "event_time").alias("minute")).agg(
        F.min("event_time").alias("at"),
        F.max("until").alias("until"),
        F.max("tells").alias("tells"),
        # What lasts is what there is to say.
        F.max(F.struct(lasts.alias("lasts"), "tells", F.col("anomaly_score").alias("score"), "signal")).alias("worst"),
        F.collect_set("signal").alias("signals"),
        F.collect_set(F.when(F.col("tells"), F.col("signal"))).alias("telling"),
        F.max(F.when(F.col("tells"), F.col("anomaly_score"))).alias("score"),
    )
    in_order = Window.partitionBy("resource_id").orderBy("minute")
    pause = F.unix_seconds("minute") - F.unix_seconds(F.lag("minute").over(in_order))
    begins = F.coalesce(pause > options.pause.total_seconds(), F.expr("true"))
    spells = (
        minutes.withColumn("spell", F.sum(begins.cast("int")).over(in_order))
        .groupBy("resource_id", "spell")
        .agg(
            F.min("at").alias("at"),
            F.max("minute").alias("last"),
            F.max("until").alias("lasting"),
            F.count("*").alias("minutes"),
            F.count_if("tells").alias("telling_minutes"),
            F.max("worst").alias("worst"),
            F.max("score").alias("score"),
            F.size(F.array_distinct(F.flatten(F.collect_list("signals")))).alias("signals"),
            F.size(F.array_distinct(F.flatten(F.collect_list("telling")))).alias("telling"),
        )
    )
    has_shifted = F.col("lasting").isNotNull()
    is_long = F.col("telling_minutes") >= options.least_minutes
    is_sure = F.coalesce((F.col("telling") > 1) & (F.col("score") >= options.sure_score), F.expr("false"))
    until = F.greatest(F.col("last") + F.expr("INTERVAL 1 MINUTE"), F.col("lasting"))
    others = F.when(F.col("signals") > 1, F.concat(F.lit(" and "), F.col("signals") - 1, F.lit(" more"))).otherwise("")
    lasted = F.ceil((F.unix_seconds(until) - F.unix_seconds("at")) / 60)
    how_long = F.when(has_shifted, F.concat(F.lit(" for "), lasted)).otherwise(F.concat(F.lit(" in "), "minutes"))
    return spells.select(
        F.lit(ANOMALY).alias("kind"),
        "resource_id",
        "at",
        until.alias("until"),
        F.col("at").alias("detected_at"),
        F.lit(SEVERITIES.index("warning")).alias("severity"),
        (has_shifted | is_long | is_sure).alias("opens"),
        (F.lit(0.3) * F.col("worst.score")).alias("weight"),
        F.concat(F.lit("unusual "), F.col("worst.signal"), others, how_long, F.lit(" min")).alias("what"),
        F.lit(None).cast("string").alias("fingerprint"),
    )
