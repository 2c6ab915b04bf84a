"""Cost: what was spent on what, what was unusual about it, and what a unit of work costs."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout import charts, words
from pipelines.dashboard.layout.blocks import Child, Fact, command, facts, note
from pipelines.dashboard.layout.daily import OfDay, daily_bars
from pipelines.dashboard.layout.forms import Choice, choices
from pipelines.dashboard.layout.tables import Column, table
from pipelines.dashboard.pages.parts import part
from pipelines.dashboard.questions.cost import COST_ANOMALIES, COSTS, UNIT_COSTS, DayOfCost, DearDay, UnitCost

_BY = tuple((name, name) for name in ("service", "provider", "account", "owner", "team", "application", "environment"))
_DAYS = (("30", "30 days"), ("90", "90 days"), ("7", "7 days"))
_SHOWN_KINDS = 5
_OTHERS, _UNKNOWN = "others", "not known"
_COUNTED = {"bill": "the bill", "metrics": "what it did"}


def page(at: Address, answers: Answers) -> Child:
    return [
        html.H1("Cost", tabIndex=-1),
        part("spent", "What was spent, and on what?", lambda: _spent(at, answers)),
        part("unusual", "What cost more than usual for its day of the week?", lambda: _unusual(at, answers)),
        part("units", "What does a unit of work cost, and is that going up?", lambda: _units(at, answers)),
    ]


def _days(at: Address) -> int:
    return int(at.one_of("days", tuple(value for value, _ in _DAYS), "30"))


def _spent(at: Address, answers: Answers) -> Child:
    by = at.one_of("by", tuple(value for value, _ in _BY), "service")
    days = _days(at)
    rows = answers.ask(COSTS, by=by, days=days)
    if not rows:
        return note(
            "No charge has come yet: exports of costs come in by the topics ",
            command("finops.*"),
            " (docs/sources.md).",
        )
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
        return note("Nothing did, as far as the weeks before are known.")
    columns = (
        Column[DearDay]("Day", lambda d: words.moment(d.day), lambda d: d.day),
        Column[DearDay]("Service", lambda d: words.text(d.service), lambda d: d.service),
        Column[DearDay]("Account", lambda d: words.text(d.account), lambda d: d.account),
        Column[DearDay]("Cost", lambda d: f"{money(d.cost)} {d.currency}", lambda d: d.cost, numeric=True),
        Column[DearDay]("Expected", lambda d: f"{money(d.expected)} {d.currency}", lambda d: d.expected, numeric=True),
        Column[DearDay]("Too much", lambda d: f"{money(d.excess)} {d.currency}", lambda d: d.excess, numeric=True),
    )
    return table("dear", "Days that cost more than expected, the newest first", columns, rows, at)


def _units(at: Address, answers: Answers) -> Child:
    rows = answers.ask(UNIT_COSTS)
    if not rows:
        return note("No charge of the last week tells of a unit.")
    columns = (
        Column[UnitCost]("Unit", lambda u: u.unit, lambda u: u.unit),
        Column[UnitCost]("Service", lambda u: words.text(u.service), lambda u: u.service),
        Column[UnitCost]("Counted by", lambda u: _COUNTED.get(u.volume_source, u.volume_source), _source),
        Column[UnitCost]("Units", lambda u: words.number(u.volume), lambda u: u.volume, numeric=True),
        Column[UnitCost]("Cost", lambda u: f"{money(u.cost)} {u.currency}", lambda u: u.cost, numeric=True),
        Column[UnitCost](
            "Of one unit", lambda u: f"{_small(u.unit_cost)} {u.currency}", lambda u: u.unit_cost, numeric=True
        ),
        Column[UnitCost](
            "A week before", lambda u: _small(u.unit_cost_before), lambda u: u.unit_cost_before, numeric=True
        ),
        Column[UnitCost]("Change", _change, _changed, numeric=True),
    )
    return table("unit-list", "Units of the last seven days, what costs most first", columns, rows, at)


def _source(row: UnitCost) -> str:
    return row.volume_source


def _small(amount: float | None) -> str:
    """A unit may cost a millionth: three figures of it, not more."""
    if amount is None:
        return words.NONE
    return (
        money(amount)
        if abs(amount) >= 1
        else f"{amount:.3g}"
        if abs(amount) >= 0.0001 or amount == 0
        else f"{amount:.2e}"
    )


def _changed(row: UnitCost) -> float | None:
    return row.unit_cost / row.unit_cost_before - 1 if row.unit_cost_before else None


def _change(row: UnitCost) -> str:
    changed = _changed(row)
    if changed is None:
        return words.NONE
    return "unchanged" if abs(changed) < 0.0005 else f"{100 * changed:+.1f} %"
