"""The log patterns known so far, and what a batch adds to them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.detection.logs.novelty import NoveltyRules, novelty_scores, past_probation, ranks_among_new
from pipelines.detection.logs.templates import OTHER, Miner, MinerRules, Pattern

MINUTE = 60_000_000  # microseconds
# Of each pattern, so many of the smallest hashes of its resources are kept.
SKETCH = 64
_HASHES = 2.0**64


@dataclass(frozen=True)
class PatternRules:
    """`most_forms`: distinct masked messages of a batch that are given to the miner, the most frequent ones; the others
    count as one pattern, `<*>`. `most_patterns`: beyond it, those that were not seen for longest are forgotten."""

    most_forms: int = 5_000
    most_patterns: int = 10_000
    miner: MinerRules = field(default_factory=MinerRules)
    novelty: NoveltyRules = field(default_factory=NoveltyRules)


def assign_patterns(known: pd.DataFrame, forms: pd.DataFrame, rules: PatternRules) -> pd.DataFrame:
    """`forms` (a row a masked message and minute) by first_seen, with `pattern_id`, `founder` and `template`."""
    totals = forms.groupby("masked")["count"].sum().reset_index()
    frequent = totals.sort_values(["count", "masked"], ascending=[False, True])["masked"].head(rules.most_forms)
    cases = forms.sort_values(["first_seen", "masked"], ignore_index=True)
    messages = cases["masked"][cases["masked"].isin(frequent)].drop_duplicates().tolist()
    founded = [Pattern(*pair) for pair in zip(known["founder"], known["template"], strict=True)]
    assigned = dict(zip(messages, Miner(founded, rules.miner).assign(messages), strict=True))
    patterns = [assigned.get(message, OTHER) for message in cases["masked"]]
    return cases.assign(
        pattern_id=[pattern.pattern_id for pattern in patterns],
        founder=[pattern.founder for pattern in patterns],
        template=[pattern.template for pattern in patterns],
    )


def new_patterns(
    known: pd.DataFrame, cases: pd.DataFrame, resources: pd.DataFrame, rules: NoveltyRules
) -> pd.DataFrame:
    """The patterns of `cases` that are not known, to resources past their probation: their first case each.

    `count` is that of the pattern in the minute of that case, `score` how remarkable it is. `resources` has the index
    resource_id and knows the batch already.
    """
    unknown = cases[~cases["pattern_id"].isin(known["pattern_id"]) & (cases["pattern_id"] != OTHER.pattern_id)]
    first = unknown.drop_duplicates("pattern_id").set_index("pattern_id")
    minute = first["first_seen"] // MINUTE
    here = unknown[unknown["minute"] == minute.reindex(unknown["pattern_id"]).to_numpy()].groupby("pattern_id")
    first = first.assign(count=here["count"].sum(), severity=unknown.groupby("pattern_id")["severity"].max())
    of = resources.reindex(first["resource_id"])[["first_minute", "messages"]].to_numpy(dtype=float, na_value=np.nan)
    # A resource of which nothing is known, as it has been forgotten, is like one that began this minute.
    known_minutes = np.nan_to_num(minute.to_numpy() - of[:, 0]).astype(np.int64)
    counted = past_probation(known_minutes, np.nan_to_num(of[:, 1]).astype(np.int64), rules)
    first, known_minutes, minutes = first[counted], known_minutes[counted], minute.to_numpy()[counted]
    earlier = known[known["announced"]]
    severity = first["severity"].to_numpy(dtype=np.int64)
    earlier_minutes = (earlier["first_seen"] // MINUTE).to_numpy(dtype=np.int64)
    ranks = ranks_among_new(minutes, severity, earlier_minutes, earlier["severity"].to_numpy(dtype=np.int64), rules)
    return first.assign(score=novelty_scores(severity, known_minutes, ranks, rules)).reset_index()


def fold_patterns(known: pd.DataFrame, cases: pd.DataFrame, announced: pd.Series, rules: PatternRules) -> pd.DataFrame:
    """The patterns after a batch; `announced` are the ids of those that were said to be new."""
    columns = [name for name in known.columns if name not in ("announced", "resources")]
    facts = cases.assign(announced=cases["pattern_id"].isin(announced))
    rows = pd.concat([known, facts[known.columns]], ignore_index=True) if len(known) else facts[known.columns]
    groups = rows.groupby("pattern_id", sort=False)
    kinds = dict.fromkeys(columns[1:], "first") | {
        "template": "last", "severity": "max", "first_seen": "min", "last_seen": "max", "count": "sum",
        "announced": "max",
    }  # fmt: skip
    merged = groups.agg(kinds).astype({"announced": bool})
    touched = rows[rows["pattern_id"].isin(cases["pattern_id"])].groupby("pattern_id", sort=False)["resources"]
    sketches = known.set_index("pattern_id")["resources"].to_dict() | {
        name: smallest(group.tolist()) for name, group in touched
    }
    merged["resources"] = [sketches[name] for name in merged.index]
    merged = merged.reset_index()[list(known.columns)]
    if len(merged) <= rules.most_patterns:
        return merged
    kept = merged["last_seen"].nlargest(rules.most_patterns).index
    return merged.loc[kept.sort_values()].reset_index(drop=True)


def smallest(hashes: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The distinct hashes that are smallest, SKETCH of them."""
    return np.unique(np.concatenate(hashes))[:SKETCH].astype(np.int64)


def distinct_estimate(sketch: NDArray[np.int64]) -> int:
    """How many distinct things there are, of whose 64-bit hashes the smallest are given: exact below SKETCH of them.

    Z. Bar-Yossef and others: "Counting distinct elements in a data stream", RANDOM 2002, in the unbiased form of
    K. Beyer and others, SIGMOD 2007; the standard error is 1 / sqrt(SKETCH - 2), 13%.
    """
    if len(sketch) < SKETCH:
        return len(sketch)
    share = (float(sketch[-1]) + _HASHES / 2) / _HASHES
    return round((SKETCH - 1) / share)
