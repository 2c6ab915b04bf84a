"""gold.rightsizing and gold.cost_daily → gold.savings: what could be saved, on what, by what, and what speaks for it?

Nothing is saved that no bill shows: a machine without a charge gets no proposal. Proposals for one resource exclude
each other, so only the one that saves most is the best, and only those are to be added up.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.gold import cost_daily, rightsizing
from pipelines.gold.daily import DAY, DailyTable, Days, Silver, Source, differing_days
from pipelines.gold.machine_costs import hourly_prices, monthly_costs
from pipelines.tables import contract

TABLE = contract("gold.savings")
COSTS = cost_daily.TABLE
VERDICTS = rightsizing.TABLE
_PROPOSAL = ("kind", "monthly_saving", "confidence", "effort", "risk", "evidence", "target")


@dataclass(frozen=True)
class SavingsOptions:
    """`month_days`: costs of so many days are a month. `least_saving`: what saves less a month (in the currency) is not
    worth a proposal. `sure_days`: days of CPU and of cost from which on a proposal is of high confidence.
    `committed_share`: above it most of the cost is covered by a commitment, which stays: low confidence."""

    month_days: int = 30
    least_saving: float = 1.0
    sure_days: int = 13
    committed_share: float = 0.5


def savings(verdicts: DataFrame, costs: DataFrame, days: Days, options: SavingsOptions) -> DataFrame:
    """Rows of gold.rightsizing of `days`, and of gold.cost_daily of them and the month before → rows of the table."""
    costed = monthly_costs(costs, days, options.month_days)
    prices = hourly_prices(costs, days, options.month_days)
    of_machines = _with_prices(verdicts.join(costed, [DAY, "machine"]), prices)
    proposed = of_machines.select("*", F.explode(_proposals(options)).alias("proposal"))
    # A resource that has no metrics is not judged; its charges can tell all the same.
    without = costed.where("idle_address_cost > 0").withColumn("resource_id", F.col("machine"))
    addresses = without.select("*", _idle_address(options).alias("proposal"))
    every = proposed.unionByName(addresses, allowMissingColumns=True).select("*", "proposal.*")
    worth = every.where(F.col("monthly_saving") >= options.least_saving)
    best_first = Window.partitionBy(DAY, "machine", "billing_currency").orderBy(F.desc("monthly_saving"), "kind")
    return worth.withColumns(
        {
            "proposal_id": F.md5(F.concat_ws("|", "kind", "resource_id", "billing_currency").cast("binary")),
            "monthly_cost": F.col("total_cost"),
            "is_best": F.row_number().over(best_first) == 1,
        }
    ).select(*TABLE.column_names)


def _with_prices(rows: DataFrame, prices: DataFrame) -> DataFrame:
    """`target_price`: what an hour of the recommended type costs elsewhere in the bill; null if nobody runs one."""
    keys = {"instance_type": "recommended_type", "region": "charged_region", "billing_currency": "billing_currency"}
    renamed = prices.withColumnsRenamed({name: f"of_{name}" for name in keys})
    same = [F.col(f"of_{name}") == F.col(theirs) for name, theirs in keys.items()]
    joined = rows.join(renamed, [F.col("price_day") == F.col(DAY), *same], "left")
    return joined.drop("price_day", *(f"of_{name}" for name in keys))


def _proposals(options: SavingsOptions) -> Column:
    """An array of all proposals that a row has, as structs."""
    running, hours = F.col("running_cost"), F.col("running_hours")
    price_now = F.when(hours > 0, running / hours)
    by_price = F.when(F.col("target_price") < price_now, 1 - F.col("target_price") / price_now)
    smaller_share = F.coalesce(by_price, 1 - F.col("size_ratio"))
    quiet_share = F.col("quiet_slots") / F.col("slots_on")
    on_spot = F.when((F.col("billing_currency") == "USD") & (hours > 0), running - F.col("spot_cost_per_hour") * hours)
    by = F.when(by_price.isNotNull(), F.lit("by the price of that type in the bill")).otherwise(
        F.lit("by its size, as prices within a family follow it")
    )
    cpu = _say("CPU p95 %.1f %%, max %.1f %% in %d days (%d samples)", "cpu_p95", "cpu_max", "days_seen", "cpu_samples")
    network = F.coalesce(_say("network %.0f bytes an hour", "network_bytes_per_hour"), F.lit("network is not measured"))
    memory = F.coalesce(_say("memory p95 %.1f %%", "memory_p95"), F.lit("memory is not measured"))
    after = _say("after it CPU p95 %.1f %%", "cpu_p95_after")
    slots = _say("CPU never above 5 %% in %d of %d hours of the week", "quiet_slots", "slots_on")
    spot = _say("%.4f USD an hour in %s, risk index %.2f", "spot_cost_per_hour", "spot_zone", "spot_risk")
    tolerant = F.lit("tagged as interruptible, or one of a group that replaces it")
    sure = _confidence("high", "medium", options)
    cautious = _confidence("medium", "low", options)
    verdict = F.col("verdict")
    found = (
        F.when(
            verdict == "idle",
            _proposal("terminate_idle", F.col("total_cost"), sure, "low", "medium", (cpu, network), F.lit(None)),
        ),
        F.when(
            (verdict == "oversized") & F.col("recommended_type").isNotNull(),
            _proposal(
                "rightsize",
                running * smaller_share,
                F.when(F.col("memory_samples") > 0, sure).otherwise(cautious),
                "medium",
                "medium",
                (cpu, memory, after, by),
                F.col("recommended_type"),
            ),
        ),
        F.when(
            F.col("is_schedule_candidate"),
            _proposal("schedule", running * quiet_share, cautious, "low", "low", (slots, cpu), F.lit(None)),
        ),
        F.when(
            F.col("is_spot_candidate") & on_spot.isNotNull(),
            _proposal("spot", on_spot, cautious, "medium", "high", (spot, tolerant), F.col("spot_zone")),
        ),
    )
    return F.array_compact(F.array(*found))


def _idle_address(options: SavingsOptions) -> Column:
    told = F.lit("the bill calls it an address that nothing uses")
    sure = F.when(F.col("days_charged") >= options.sure_days, "high").otherwise("medium")
    return _proposal("unused_address", F.col("idle_address_cost"), sure, "low", "low", (told,), F.lit(None))


def _proposal(
    kind: str, saving: Column, confidence: Column, effort: str, risk: str, said: tuple[Column, ...], target: Column
) -> Column:
    cost = _say(
        "cost %.2f %s a month, by %d days with charges of the last 30", "total_cost", "billing_currency", "days_charged"
    )
    evidence = F.array_compact(F.array(cost, *said))
    values = (
        F.lit(kind), saving.cast("double"), confidence, F.lit(effort), F.lit(risk), evidence, target.cast("string"),
    )  # fmt: skip
    return F.struct(*(value.alias(name) for name, value in zip(_PROPOSAL, values, strict=True)))


def _confidence(best: str, else_: str, options: SavingsOptions) -> Column:
    is_sure = (F.col("days_seen") >= options.sure_days) & (F.col("days_charged") >= options.sure_days)
    is_covered = F.col("committed_cost") > F.col("total_cost") * options.committed_share
    return F.when(is_covered, "low").when(is_sure, best).otherwise(else_)


def _say(text: str, *names: str) -> Column:
    """Null if one of them is, so that it is left out."""
    is_known = F.forall(F.array(*(F.col(name).isNotNull() for name in names)), lambda one: one)
    return F.when(is_known, F.format_string(text, *(F.col(name) for name in names)))


_OPTIONS = SavingsOptions()
_BEFORE = _OPTIONS.month_days - 1


def _rows(silver: Silver) -> DataFrame:
    costs = silver.of_days(COSTS, DAY, days_before=_BEFORE)
    return savings(silver.of_days(VERDICTS, DAY), costs, silver.days, _OPTIONS)


_SOURCES = (
    Source(VERDICTS, DAY, touched=differing_days),
    Source(COSTS, DAY, reach=_BEFORE, touched=differing_days),
)
DAILY = DailyTable(TABLE, _SOURCES, _rows)
