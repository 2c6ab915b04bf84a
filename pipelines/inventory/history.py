"""Facts in order of time → the versions of each resource.

What holds is what was said last; but a source that repeats what it said says nothing new. So two sources that call a
thing differently do not take turns, each opening a version, and a bill of last week does not undo the change of today.
Sources that state tags state all of them: one that a source no longer lists is gone, unless another has set it since.

The versions are a function of the set of all statements, not of the order in which they arrive.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.inventory.facts import TAG

_FACTS = "map<string,string>"
_TOLD = f"map<string,struct<at: timestamp, facts: {_FACTS}>>"
_STATE = f"struct<at: timestamp, facts: {_FACTS}, told: {_TOLD}>"


def history_of(statements: DataFrame, bases: DataFrame) -> DataFrame:
    """Versions from the base on: resource_id, valid_from, valid_to, facts (map), told, first_seen.

    `statements`: resource_id, event_time, source, is_change, facts (entries). `bases`, one row a resource: the state of
    the version to go on from (`base`: struct of at, facts, told; null to begin) and `first_seen`, null to begin.
    """
    said = F.struct("event_time", "source", "is_change", "facts")
    sequences = statements.groupBy("resource_id").agg(F.sort_array(F.collect_set(said)).alias("said"))
    begun = F.filter(F.array(F.col("base").cast(_STATE)), lambda state: state.isNotNull())
    states = F.aggregate(
        F.coalesce("said", F.array().cast(statements.select(F.array(said)).schema[0].dataType)),
        begun,
        lambda states, one: F.concat(states, F.array(_next(states, one))),
    )
    steps = bases.join(sequences, "resource_id", "left").select(
        "resource_id", "first_seen", F.posexplode(states).alias("step", "state")
    )
    return steps.select("resource_id", "first_seen", "step", "state.*").transform(_versions)


def _next(states: Column, one: Column) -> Column:
    """The state after a statement."""
    last = F.try_element_at(states, F.lit(-1))
    nothing = F.create_map().cast(_FACTS)
    known = F.struct(
        F.coalesce(last["facts"], nothing).alias("facts"),
        F.coalesce(last["told"], F.create_map().cast(_TOLD)).alias("told"),
        F.map_from_entries(one["facts"]).alias("said"),
        one.alias("one"),
    )

    def look(known: Column) -> Column:
        before = known["told"][known["one"]["source"]]
        own = F.coalesce(before["facts"], nothing)
        is_change = known["one"]["is_change"]
        seen = F.when(is_change, known["facts"]).otherwise(own)
        news = F.map_filter(known["said"], lambda key, value: ~seen[key].eqNullSafe(value))
        states_tags = ~is_change & F.exists(F.map_keys(known["said"]), _is_tag)
        gone = F.filter(
            F.map_keys(own), lambda key: states_tags & _is_tag(key) & ~F.map_contains_key(known["said"], key)
        )
        return F.struct(
            known["facts"].alias("facts"),
            known["told"].alias("told"),
            known["said"].alias("said"),
            known["one"].alias("one"),
            before["at"].alias("since"),
            own.alias("own"),
            news.alias("news"),
            gone.alias("gone"),
        )

    def settle(it: Column) -> Column:
        withdrawn = F.filter(it["gone"], lambda key: it["facts"][key].eqNullSafe(it["own"][key]))
        kept = F.map_filter(it["facts"], lambda key, _: ~F.array_contains(withdrawn, key))
        facts = F.map_filter(_over(kept, it["news"]), lambda _, value: value.isNotNull())
        still = F.map_filter(it["own"], lambda key, _: ~F.array_contains(it["gone"], key))
        own = F.when(it["one"]["is_change"], it["own"]).otherwise(_over(still, it["said"]))
        is_news = it["since"].isNull() | (F.size(it["news"]) > 0) | (F.size(it["gone"]) > 0)
        since = F.when(is_news, it["one"]["event_time"]).otherwise(it["since"])
        entry = F.create_map(it["one"]["source"], F.struct(since.alias("at"), own.alias("facts")))
        others = F.map_filter(it["told"], lambda source, _: source != it["one"]["source"])
        told = F.map_concat(others, entry.cast(_TOLD))
        return F.struct(it["one"]["event_time"].alias("at"), facts.alias("facts"), told.alias("told"))

    settled = F.transform(F.transform(F.array(known), look), settle)
    return F.get(settled, 0).cast(_STATE)


def _over(below: Column, above: Column) -> Column:
    """Both maps; of a key that both have, the value of `above`."""
    return F.map_concat(F.map_filter(below, lambda key, _: ~F.map_contains_key(above, key)), above)


def _is_tag(key: Column) -> Column:
    return F.startswith(key, F.lit(TAG))


def _versions(steps: DataFrame) -> DataFrame:
    of_resource = Window.partitionBy("resource_id")
    in_order, at_once = of_resource.orderBy("step"), Window.partitionBy("resource_id", "at").orderBy(F.desc("step"))
    # Of what happens at one time, the outcome.
    settled = steps.withColumn("turn", F.row_number().over(at_once)).where("turn = 1")
    comparable = settled.withColumn("content", F.sort_array(F.map_entries("facts")))
    is_start = ~F.lag("content").over(in_order).eqNullSafe(F.col("content"))
    is_first = F.row_number().over(in_order) == 1
    started = comparable.withColumn("is_start", is_start | is_first)
    numbered = started.withColumn("version", F.sum(F.col("is_start").cast("int")).over(in_order))
    versions = numbered.groupBy("resource_id", "version").agg(
        F.min("at").alias("valid_from"),
        F.min_by("facts", "step").alias("facts"),
        F.max_by("told", "step").alias("told"),
        F.first("first_seen").alias("first_seen"),
    )
    by_time = of_resource.orderBy("version")
    return versions.select(
        "resource_id",
        "valid_from",
        F.lead("valid_from").over(by_time).alias("valid_to"),
        "facts",
        "told",
        F.coalesce("first_seen", F.min("valid_from").over(of_resource)).alias("first_seen"),
    )
