"""Savings: what to do, what each proposal saves a month, and what speaks for it."""

from __future__ import annotations

from collections import Counter

from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout import words
from pipelines.dashboard.layout.badges import badge, tone
from pipelines.dashboard.layout.blocks import Child, Fact, facts, listed, note
from pipelines.dashboard.layout.forms import Choice, any_of, choices
from pipelines.dashboard.layout.tables import Column, table
from pipelines.dashboard.pages.cost import money
from pipelines.dashboard.pages.parts import part, resource_link
from pipelines.dashboard.questions.cost import SAVINGS, SIZES, Saving, Size

_KINDS = {
    "terminate_idle": "end what is idle", "rightsize": "take a smaller size", "schedule": "stop it in quiet hours",
    "spot": "run it on spot", "unused_address": "release an unused address",
}  # fmt: skip
_RANKS = {"low": 0, "medium": 1, "high": 2}
_NOBODY = "nobody"


def page(at: Address, answers: Answers) -> Child:
    return [
        html.H1("Savings", tabIndex=-1),
        part("savings", "What could be saved?", lambda: _savings(at, answers)),
        part("sizes", "Which machines have the wrong size?", lambda: _sizes(at, answers)),
    ]


def _savings(at: Address, answers: Answers) -> Child:
    everything = answers.ask(SAVINGS)
    if not everything:
        return note("Nothing to save was found: proposals need charges and two weeks of use of the same resources.")
    owner, kind = at.get("owner") or "", at.get("kind") or ""
    rows = [row for row in everything if owner in ("", row.owner or _NOBODY) and kind in ("", row.kind)]
    kinds = sorted({row.kind for row in everything}, key=lambda one: _KINDS.get(one, one))
    form = choices(
        "filter",
        at,
        (
            Choice("owner", "Owner", any_of("all", [row.owner or _NOBODY for row in everything]), owner),
            Choice("kind", "Proposal", (("", "all"), *((one, _KINDS.get(one, one)) for one in kinds)), kind),
        ),
    )
    if not rows:
        return [form, note("No proposal is like that. ", html.A("Show all", href=at.path))]
    best: dict[str, float] = {}
    for row in rows:
        if row.is_best:
            best[row.currency] = best.get(row.currency, 0.0) + row.monthly_saving
    columns = (
        Column[Saving]("Resource", lambda s: resource_link(s.resource_id, s.host_name), _named),
        Column[Saving]("Proposal", _proposal, lambda s: s.kind),
        Column[Saving]("Saves a month", lambda s: f"{money(s.monthly_saving)} {s.currency}", _saved, numeric=True),
        Column[Saving]("Costs now", lambda s: f"{money(s.monthly_cost)} {s.currency}", _costs, numeric=True),
        Column[Saving]("Evidence", lambda s: listed(s.evidence)),
        Column[Saving]("Confidence", lambda s: s.confidence, lambda s: _RANKS.get(s.confidence)),
        Column[Saving]("Effort", lambda s: s.effort, lambda s: _RANKS.get(s.effort)),
        Column[Saving]("Risk", lambda s: s.risk, lambda s: _RANKS.get(s.risk)),
        Column[Saving]("Owner", lambda s: words.text(s.owner), lambda s: s.owner),
        Column[Saving]("Counted", lambda s: "yes" if s.is_best else "no: another saves more", lambda s: not s.is_best),
    )
    return [
        facts(
            *(Fact(f"{currency} a month to save", money(best[currency])) for currency in sorted(best)),
            Fact("proposals", words.number(len(rows))),
            Fact("as of", words.moment(rows[0].day)),
        ),
        form,
        table("saving-list", "Proposals, what saves most first", columns, rows, at),
    ]


def _named(saving: Saving) -> str:
    return saving.host_name or words.short_id(saving.resource_id)


def _costs(saving: Saving) -> float:
    return saving.monthly_cost


def _saved(saving: Saving) -> float:
    return saving.monthly_saving


def _proposal(saving: Saving) -> str:
    return _KINDS.get(saving.kind, saving.kind) + (f": {saving.target}" if saving.target else "")


def _sizes(at: Address, answers: Answers) -> Child:
    rows = answers.ask(SIZES)
    if not rows:
        return note("No machine has been judged yet: it takes a few days of its CPU.")
    verdicts = Counter(row.verdict for row in rows)
    columns = (
        Column[Size](
            "Machine", lambda s: resource_link(s.resource_id, s.host_name), lambda s: s.host_name or s.machine
        ),
        Column[Size]("Verdict", lambda s: badge(s.verdict), lambda s: s.verdict),
        Column[Size]("Size", lambda s: words.text(s.instance_type), lambda s: s.instance_type),
        Column[Size]("Better", lambda s: words.text(s.recommended_type), lambda s: s.recommended_type),
        Column[Size]("CPU p95", lambda s: _percent(s.cpu_p95), lambda s: s.cpu_p95, numeric=True),
        Column[Size]("Then", lambda s: _percent(s.cpu_p95_after), lambda s: s.cpu_p95_after, numeric=True),
        Column[Size]("Memory p95", lambda s: _percent(s.memory_p95), lambda s: s.memory_p95, numeric=True),
        Column[Size]("Stop in quiet hours", lambda s: "yes" if s.is_schedule_candidate else "no"),
        Column[Size]("On spot", lambda s: (s.spot_zone or "yes") if s.is_spot_candidate else "no"),
        Column[Size]("Owner", lambda s: words.text(s.owner), lambda s: s.owner),
    )
    return [
        facts(*(Fact(one, words.number(verdicts[one]), _tone(one)) for one in sorted(verdicts, key=_order))),
        table("size-list", "Machines, those to change first", columns, rows, at),
    ]


def _order(verdict: str) -> tuple[int, str]:
    return tone(verdict).rank, verdict


def _tone(verdict: str) -> str:
    return tone(verdict).css


def _percent(value: float | None) -> str:
    return words.NONE if value is None else f"{value:.0f} %"
