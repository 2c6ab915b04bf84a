"""Which resources have to be worked out anew, and from when on: those of which a statement says what is not known."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.inventory.facts import TAG, facts_of


def news_of(statements: DataFrame, inventory: DataFrame) -> DataFrame:
    """resource_id and `since`: the earliest time at which a statement may be news. Cautious: some turn out to be none.

    `statements`: resource_id, source, is_change, facts (entries), and `first` and `last`, when it was said. `is_plain`
    is true of a new resource if they are all that is to be known of it: its history needs no look at silver.
    """
    versions = inventory.select(
        "resource_id", "valid_from", "valid_to", "first_seen", "told", facts_of(inventory).alias("known")
    )
    found = statements.join(versions, "resource_id", "left")
    overlaps = (F.col("valid_from") <= F.col("last")) & (
        F.col("valid_to").isNull() | (F.col("valid_to") > F.col("first"))
    )
    is_unknown = F.col("valid_from").isNull() | (F.col("first") < F.col("first_seen"))
    since = F.when(is_unknown, F.col("first")).when(
        overlaps & ~F.coalesce(_is_known(), F.expr("false")), F.greatest("first", "valid_from")
    )
    # Of a source that says one thing only `first` matters, as repeats are no news; what was done twice, was when?
    stated = F.when(~F.col("is_change"), F.col("source"))
    is_one_each = F.count_distinct(stated) == F.count(stated)
    is_once = F.every(~F.col("is_change") | (F.col("first") == F.col("last")))
    is_new = F.every(F.col("valid_from").isNull())
    news = found.groupBy("resource_id").agg(
        F.min(since).alias("since"), (is_new & is_one_each & is_once).alias("is_plain")
    )
    return news.where(F.col("since").isNotNull())


def _is_known() -> Column:
    """Whether a statement changes nothing in a version: its source has said so before, or it is so already."""
    entry = F.col("told")[F.col("source")]
    held = F.when(F.col("is_change"), F.col("known")).otherwise(entry["facts"])
    same = F.forall("facts", lambda one: held[one["key"]].eqNullSafe(one["value"]))
    tags, told_tags = F.size(F.filter(_keys(), _is_tag)), F.size(F.filter(F.map_keys(entry["facts"]), _is_tag))
    all_tags = F.col("is_change") | (tags == 0) | (tags == told_tags)
    return entry.isNotNull() & (F.col("first") >= entry["at"]) & same & all_tags


def bases_of(news: DataFrame, inventory: DataFrame) -> DataFrame:
    """resource_id, is_plain, `since` (to read from), `base` (null to begin anew), first_seen: where histories go on.

    A version knows what was told by its end. So a history goes on within a version only after the last news in it,
    else from the end of the version before."""
    before = news.join(inventory, "resource_id", "left").where(
        F.col("valid_from").isNull() | (F.col("valid_from") < F.col("since"))
    )
    newest = Window.partitionBy("resource_id").orderBy(F.desc("valid_from"))
    state = F.struct(F.col("valid_from").alias("at"), facts_of(before).alias("facts"), F.col("told").alias("told"))
    last_news = F.array_max(F.transform(F.map_values("told"), lambda one: one["at"]))
    ranked = before.select(
        *("resource_id", "since", "valid_from", "first_seen"),
        F.when(F.col("valid_from").isNotNull(), state).alias("state"),
        last_news.alias("last_news"),
        F.lead(F.when(F.col("valid_from").isNotNull(), state)).over(newest).alias("state_before"),
        F.row_number().over(newest).alias("age"),
    ).where("age = 1")
    goes_on = F.col("last_news") < F.col("since")
    found = ranked.select(
        "resource_id",
        F.when(goes_on, F.col("state")).otherwise(F.col("state_before")).alias("base"),
        F.when(goes_on | F.col("valid_from").isNull(), F.col("since")).otherwise(F.col("valid_from")).alias("from"),
        "first_seen",
    )
    # A resource of which something older comes than is known has no version before it.
    all_ = news.join(found, "resource_id", "left")
    return all_.select(
        "resource_id",
        "is_plain",
        F.coalesce("from", "since").alias("since"),
        "base",
        F.when(F.col("base").isNotNull(), F.col("first_seen")).alias("first_seen"),
    )


def _keys() -> Column:
    return F.transform("facts", lambda one: one["key"])


def _is_tag(key: Column) -> Column:
    return F.startswith(key, F.lit(TAG))
