"""Cost: what was spent on what, what was unusual about it, and what could be saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout import charts, words
from pipelines.dashboard.layout.badges import badge
from pipelines.dashboard.layout.blocks import Child, Fact, facts, listed, note
from pipelines.dashboard.layout.daily import OfDay, daily_bars
from pipelines.dashboard.layout.forms import Choice, choices
from pipelines.dashboard.layout.tables import Column, table
from pipelines.dashboard.pages.parts import part
from pipelines.dashboard.questions.cost import (
    COST_ANOMALIES,
    COSTS,
    SAVINGS,
    SIZES,
    DayOfCost,
    DearDay,
    Saving,
    Size,
)

_BY = tuple((name, name) for name in ("service", "provider", "account", "owner", "team", "application", "environment"))
_DAYS = (("30", "30 days"), ("90", "90 days"), ("7", "7 days"))
_SHOWN_KINDS = 5
_OTHERS, _UNKNOWN = "others", "not known"
_KINDS = {
    "terminate_idle": "end what is idle", "rightsize": "take a smaller size", "schedule": "stop it in quiet hours",
    "spot": "run it on spot", "unused_address": "release an unused address",
}  # fmt: skip


def page(at: Address, answers: Answers) -> Child:
    return [
        html.H1("Cost", tabIndex=-1),
        part("spent", "What was spent, and on what?", lambda: _spent(at, answers)),
        part("unusual", "What cost more than usual for its day of the week?", lambda: _unusual(at, answers)),
        part("savings", "What could be saved?", lambda: _savings(at, answers)),
        part("sizes", "Which machines have the wrong size?", lambda: _sizes(at, answers)),
    ]


def _days(at: Address) -> int:
    return int(at.one_of("days", tuple(value for value, _ in _DAYS), "30"))


def _spent(at: Address, answers: Answers) -> Child:
    by = at.one_of("by", tuple(value for value, _ in _BY), "service")
    days = _days(at)
    rows = answers.ask(COSTS, by=by, days=days)
    if not rows:
        return note("No charge has come yet.")
    totals: dict[str, float] = {}
    for row in rows:
        totals[row.currency] = totals.get(row.currency, 0.0) + row.cost
    currencies = tuple((one, one) for one in sorted(totals, key=lambda one: (-totals[one], one)))
    currency = at.one_of("currency", tuple(value for value, _ in currencies), currencies[0][0])
    shown = [Choice("by", "By", _BY, by), Choice("days", "Time", _DAYS, str(days))]
    if len(currencies) > 1:
        shown.append(Choice("currency", "Currency", currencies, currency))
    of_currency = [row for row in rows if row.currency == currency]
    return [
        facts(*(Fact(f"{one}, {days} days", money(totals[one])) for one, _ in currencies)),
        choices("costs", at, shown),
        _by_day(of_currency, by, currency),
    ]


def money(amount: float | None) -> str:
    if amount is None:
        return words.NONE
    return f"{amount:,.0f}" if abs(amount) >= 1_000 else f"{amount:,.2f}"


def largest(rows: Sequence[DayOfCost]) -> tuple[list[str], list[OfDay]]:
    """The kinds that cost most, the rest as one, and what each cost on each day."""
    totals: dict[str, float] = {}
    for row in rows:
        name = row.kind or _UNKNOWN
        totals[name] = totals.get(name, 0.0) + row.cost
    ordered = sorted(totals, key=lambda name: (-totals[name], name))
    kinds = ordered if len(ordered) <= _SHOWN_KINDS + 1 else [*ordered[:_SHOWN_KINDS], _OTHERS]
    amounts: dict[tuple[str, object], OfDay] = {}
    for row in rows:
        kind = row.kind or _UNKNOWN
        kind = kind if kind in kinds else _OTHERS
        before = amounts.get((kind, row.day))
        amounts[kind, row.day] = OfDay(row.day, kind, row.cost + (before.amount if before else 0.0))
    return kinds, list(amounts.values())


def _by_day(rows: Sequence[DayOfCost], by: str, currency: str) -> html.Figure:
    kinds, amounts = largest(rows)
    totals = {kind: sum(one.amount for one in amounts if one.kind == kind) for kind in kinds}
    whole = sum(totals.values())
    first = kinds[0]
    part_of = f" ({words.share(totals[first] / whole)})" if whole > 0 else ""
    summary = f"Most was spent on {first}: {money(totals[first])} {currency}{part_of} of {money(whole)} {currency}."
    days = sorted({one.day for one in amounts})
    known = {(one.day, one.kind): one.amount for one in amounts}
    numbers = charts.Numbers(
        ("Day", *kinds, "All"),
        [
            (
                words.moment(day),
                *(money(known.get((day, kind))) for kind in kinds),
                money(sum(known.get((day, kind), 0.0) for kind in kinds)),
            )
            for day in days
        ],
    )
    return charts.chart("costs-days", f"Cost by {by} and day", summary, daily_bars(amounts, kinds, currency), numbers)


def _unusual(at: Address, answers: Answers) -> Child:
    rows = answers.ask(COST_ANOMALIES, days=_days(at))
    if not rows:
        return note("Nothing did.")
    columns = (
        Column[DearDay]("Day", lambda d: words.moment(d.day), lambda d: d.day),
        Column[DearDay]("Service", lambda d: words.text(d.service), lambda d: d.service),
        Column[DearDay]("Account", lambda d: words.text(d.account), lambda d: d.account),
        Column[DearDay]("Cost", lambda d: f"{money(d.cost)} {d.currency}", lambda d: d.cost, numeric=True),
        Column[DearDay]("Expected", lambda d: money(d.expected), lambda d: d.expected, numeric=True),
        Column[DearDay]("Too much", lambda d: money(d.excess), lambda d: d.excess, numeric=True),
    )
    return table("dear", "Days that cost more than expected, the newest first", columns, rows, at)


def _savings(at: Address, answers: Answers) -> Child:
    rows = answers.ask(SAVINGS)
    if not rows:
        return note("Nothing to save was found.")
    best: dict[str, float] = {}
    for row in rows:
        if row.is_best:
            best[row.currency] = best.get(row.currency, 0.0) + row.monthly_saving
    columns = (
        Column[Saving]("Resource", lambda s: s.resource, lambda s: s.resource),
        Column[Saving]("Proposal", _proposal, lambda s: s.kind),
        Column[Saving]("Saves a month", lambda s: f"{money(s.monthly_saving)} {s.currency}", _saved, numeric=True),
        Column[Saving]("Costs now", lambda s: money(s.monthly_cost), lambda s: s.monthly_cost, numeric=True),
        Column[Saving]("Owner", lambda s: words.text(s.owner), lambda s: s.owner),
        Column[Saving]("Confidence", lambda s: s.confidence, lambda s: s.confidence),
        Column[Saving]("Effort", lambda s: s.effort, lambda s: s.effort),
        Column[Saving]("Risk", lambda s: s.risk, lambda s: s.risk),
        Column[Saving]("Evidence", lambda s: listed(s.evidence)),
        Column[Saving]("Best of its resource", lambda s: "yes" if s.is_best else "no", lambda s: not s.is_best),
    )
    return [
        facts(
            *(Fact(f"{currency} a month to save", money(best[currency])) for currency in sorted(best)),
            Fact("proposals", words.number(len(rows))),
            Fact("as of", words.moment(rows[0].day)),
        ),
        table("saving-list", "Proposals, what saves most first", columns, rows, at),
    ]


def _saved(saving: Saving) -> float:
    return saving.monthly_saving


def _proposal(saving: Saving) -> str:
    return _KINDS.get(saving.kind, saving.kind) + (f": {saving.target}" if saving.target else "")


def _sizes(at: Address, answers: Answers) -> Child:
    rows = answers.ask(SIZES)
    verdicts = Counter(row.verdict for row in rows)
    if not rows:
        return note("No machine has been judged yet.")
    columns = (
        Column[Size]("Machine", lambda s: s.host_name or words.short_id(s.machine), lambda s: s.host_name or s.machine),
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
        facts(*(Fact(verdict, words.number(amount)) for verdict, amount in verdicts.most_common())),
        table("size-list", "Machines, those to change first", columns, rows, at),
    ]


def _percent(value: float | None) -> str:
    return words.NONE if value is None else f"{value:.0f} %"
