"""Masked log messages → the patterns they are cases of, by Drain.

P. He, J. Zhu, Z. Zheng, M. Lyu: "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017; drain3 is the
implementation. A pattern is named after the message that founded it, so the name stays when the template grows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pipelines.errors import LakehouseError


class MinerError(LakehouseError):
    """Log templates cannot be mined."""


@dataclass(frozen=True)
class MinerRules:
    """`similarity`: the share of words that a message has in common with a template to belong to it. `depth` and
    `most_children` bound the tree in which templates are looked up (Drain's `depth` and `max_children`)."""

    similarity: float = 0.5
    depth: int = 4
    most_children: int = 100


@dataclass(frozen=True)
class Pattern:
    """`founder`: the masked message that was the first of it. `template`: what all of it have in common, `<*>` where
    they differ."""

    founder: str
    template: str

    @property
    def pattern_id(self) -> str:
        return hashlib.md5(self.founder.encode()).hexdigest()


# What the messages beyond the limit of a batch count as.
OTHER = Pattern("<*>", "<*>")


class Miner:
    """Drain with the patterns known so far, in the order in which they were founded.

    The tree is made of the founders again, so a miner that was saved and loaded gives each message the pattern that it
    would have had.
    """

    def __init__(self, patterns: Iterable[Pattern], rules: MinerRules) -> None:
        drain = _drain3()
        self._drain = drain.Drain(
            sim_th=rules.similarity, depth=rules.depth, max_children=rules.most_children, param_str=OTHER.template
        )
        self._new_cluster = drain.LogCluster
        self._founders: dict[int, str] = {}
        for pattern in patterns:
            if pattern != OTHER:
                self._found(pattern)

    def assign(self, messages: Sequence[str]) -> list[Pattern]:
        """The pattern of each masked message, in this order; a message that is like none founds one."""
        clusters = [self._drain.add_log_message(message)[0] for message in messages]
        for cluster, message in zip(clusters, messages, strict=True):
            self._founders.setdefault(cluster.cluster_id, message)
        # All have been seen now, so all of a pattern are given the same template.
        return [Pattern(self._founders[cluster.cluster_id], cluster.get_template()) for cluster in clusters]

    def _found(self, pattern: Pattern) -> None:
        # As Drain founds one, but without a search: what is like it today was not when it was founded. Its place in the
        # tree is by the founder's words, so the template comes after.
        number = self._drain.clusters_counter = self._drain.clusters_counter + 1
        cluster = self._new_cluster(pattern.founder.split(), number)
        self._drain.id_to_cluster[number] = cluster
        self._drain.add_seq_to_prefix_tree(self._drain.root_node, cluster)
        cluster.log_template_tokens = tuple(pattern.template.split())
        self._founders[number] = pattern.founder


def _drain3() -> Any:
    try:
        # An extra of this package, so that whoever needs no log patterns can do without it.
        return import_module("drain3.drain")
    except ImportError as error:
        raise MinerError(
            "query silver_log_patterns: drain3 is not installed; pip install 'telemetry-lakehouse[logs]', "
            "or leave the job out"
        ) from error
