"""silver.metrics → a registered challenger: fit, compare with the champion on held-back data, log, register.

Spark reads and groups; each host is fitted and judged by a worker, which hands back arrays. The parameters of the
detector of one series are the release's own, as it learns while it scores; what training adds is a model of each
host, and how strict to be with which series.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.detection.bundle import Bundle, Host, load
from pipelines.detection.models import feedback as verdicts
from pipelines.detection.models.exclusions import Exclusion, covered
from pipelines.detection.models.host_rows import fit_host, from_bytes, to_bytes
from pipelines.detection.models.promotion import Decision, Figures, decide, figures
from pipelines.detection.models.registry import Registry
from pipelines.detection.models.shadow import Contest, Judged, join, judge_host
from pipelines.detection.models.shadow import to_bytes as judged_bytes
from pipelines.detection.models.training_data import rows_of, series_of, told_by
from pipelines.detection.models.training_plan import FILE, Plan, from_json
from pipelines.detection.models.training_record import Trained, facts_of, write_files
from pipelines.errors import ModelError
from pipelines.model_registry.registry import CHALLENGER
from pipelines.settings import Settings

# Models are compared on so many hosts, drawn by the seed: more would tell little more, and cost as much as fitting.
MOST_JUDGED = 200
Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Fitted:
    """`left_out`: why hosts have no model → how many."""

    bundle: Bundle
    left_out: Counter[str]


@dataclass(frozen=True)
class Outcome:
    """A training that ended: the version, and whether it is better than the champion was."""

    version: str
    champion: str
    trained: Trained
    decision: Decision


def train(spark: SparkSession, settings: Settings, registry: Registry, plan: Plan, say: Say) -> Outcome:
    """Fit by `plan`, compare, and register as challenger; who is champion stays. Raises ModelError if there is nothing
    to judge by."""
    champion_version = registry.ensure_champion()
    say(f"fitting hosts, measurements from {plan.start:%Y-%m-%d %H:%M} to {plan.held_from:%Y-%m-%d %H:%M} UTC")
    fitted = fit(spark, settings, plan)
    say(f"{len(fitted.bundle.hosts)} hosts fitted; comparing with champion, version {champion_version}")
    with tempfile.TemporaryDirectory(prefix="lakehouse-train-") as scratch:
        champion = load(registry.download(champion_version, Path(scratch) / "champion"))
        judged = judge(spark, settings, Contest(champion, fitted.bundle, plan, told_by(settings, plan)))
        champion_figures, challenger_figures = compare(judged, settings.detection.threshold)
        trained = Trained(
            plan,
            fitted.bundle,
            fitted.left_out,
            judged,
            champion_figures,
            challenger_figures,
            settings.detection.threshold,
        )
        decision = decide(champion_figures, challenger_figures)
        overlap = _overlap(registry, champion_version, plan)
        say("drawing and registering")
        files = Path(scratch) / "files"
        write_files(trained, files)
        facts = facts_of(trained, champion_version, decision, overlap, files)
        version = registry.register(facts, fitted.bundle)
    registry.set_alias(CHALLENGER, version)
    return Outcome(version, champion_version, trained, decision)


def fit(spark: SparkSession, settings: Settings, plan: Plan) -> Fitted:
    """The bundle of a plan: the same plan gives the same arrays. Raises ModelError if its data cannot be read."""
    told = told_by(settings, plan)
    rows = rows_of(spark, settings, plan, plan.start, F.col("event_time") < F.lit(plan.held_from))
    fitted = rows.groupBy("resource_id").applyInPandas(
        _fitter(told.not_learnt, plan.seed), "resource_id string, host binary, left_out string"
    )
    hosts: dict[str, Host] = {}
    left_out: Counter[str] = Counter()
    for row in sorted(fitted.collect(), key=lambda row: str(row["resource_id"])):
        if row["host"] is None:
            left_out[row["left_out"]] += 1
        else:
            hosts[row["resource_id"]] = from_bytes(bytes(row["host"]))
    factors = verdicts.strictness(told.feedback, series_of(rows, told.feedback))
    return Fitted(Bundle(strictness=factors, hosts=hosts), left_out)


def judge(spark: SparkSession, settings: Settings, contest: Contest) -> Judged:
    """Both models on the held-back rows of at most `MOST_JUDGED` hosts. Raises ModelError if no row was held back."""
    plan = contest.plan
    until = F.col("event_time") <= F.lit(plan.end)
    rows = rows_of(spark, settings, plan, plan.warm_from, until)
    chosen = _drawn(rows, plan)
    here = {name: host for name, host in contest.challenger.hosts.items() if name in chosen}
    there = {name: host for name, host in contest.champion.hosts.items() if name in chosen}
    smaller = Contest(
        Bundle(contest.champion.parameters, contest.champion.strictness, there),
        Bundle(contest.challenger.parameters, contest.challenger.strictness, here),
        plan,
        contest.told,
    )
    judged = rows.where(F.col("resource_id").isin(list(chosen))).groupBy("resource_id")
    found = judged.applyInPandas(_judge(smaller), "resource_id string, judged binary").collect()
    if not found:
        raise ModelError(f"no measurement after {plan.held_from:%Y-%m-%d %H:%M} UTC to judge by: widen --window")
    return join([bytes(row["judged"]) for row in sorted(found, key=lambda row: str(row["resource_id"]))])


def compare(judged: Judged, threshold: float) -> tuple[Figures, Figures]:
    """Champion's and challenger's."""
    return (
        figures(judged, judged.champion_plain, judged.champion_injected, threshold),
        figures(judged, judged.challenger_plain, judged.challenger_injected, threshold),
    )


def _fitter(not_learnt: tuple[Exclusion, ...], seed: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def fit_one(frame: pd.DataFrame) -> pd.DataFrame:
        resource_id = str(frame["resource_id"].iloc[0])
        learnt = frame[~covered(frame, resource_id, not_learnt)]
        packed, why = None, None
        try:
            packed = to_bytes(fit_host(learnt, seed))
        except ModelError as error:
            why = str(error).partition(":")[0]
        return pd.DataFrame({"resource_id": [resource_id], "host": [packed], "left_out": [why]})

    return fit_one


def _judge(contest: Contest) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def judge_one(frame: pd.DataFrame) -> pd.DataFrame:
        resource_id = str(frame["resource_id"].iloc[0])
        packed = judged_bytes(judge_host(frame, resource_id, contest))
        return pd.DataFrame({"resource_id": [resource_id], "judged": [packed]})

    return judge_one


def _drawn(rows: DataFrame, plan: Plan) -> set[str]:
    """Hosts to judge by, drawn by a hash of seed and name."""
    hosts = rows.select("resource_id").distinct()
    order: Column = F.xxhash64(F.lit(plan.seed), "resource_id")
    return {row["resource_id"] for row in hosts.orderBy(order, "resource_id").limit(MOST_JUDGED).collect()}


def _overlap(registry: Registry, champion: str, plan: Plan) -> str | None:
    """What to say if the champion was fitted to some of what it is now judged by."""
    recorded = registry.read_file(champion, FILE)
    if recorded is None:
        return None
    seen = from_json(recorded).held_from
    return None if seen <= plan.held_from else f"the champion was fitted to data until {seen:%Y-%m-%d %H:%M} UTC"
