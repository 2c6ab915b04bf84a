"""Values as readers want them. Times are UTC."""

from __future__ import annotations

from datetime import date, datetime

NONE = "–"


def moment(value: datetime | date | None) -> str:
    if value is None:
        return NONE
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else value.isoformat()


def number(value: float | int | None, digits: int = 1) -> str:
    """Thousands apart; small numbers keep three figures."""
    if value is None or value != value:
        return NONE
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.{digits}f}" if abs(value) >= 1 else f"{value:.3g}"


def share(value: float | None) -> str:
    """0.031 → 3.1 %."""
    if value is None or value != value:
        return NONE
    percent = 100 * value
    if percent in (0, 100):
        return f"{percent:.0f} %"
    # What is nearly nothing or nearly all is told apart from it.
    if 0 < percent < 1 or 99 < percent < 100:
        return f"{percent:.2f} %" if 0.01 <= percent < 99.995 else "< 0.01 %" if percent < 1 else "> 99.99 %"
    return f"{percent:.1f} %"


def points(change: float) -> str:
    """Of two shares, how much the later is above the earlier: 0.031 → +3.1 points."""
    return "unchanged" if abs(change) < 0.0005 else f"{100 * change:+.1f} points"


def duration(seconds: float | None) -> str:
    """The two largest units: 2 h 5 min."""
    if seconds is None:
        return NONE
    left, told = round(seconds), []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        amount, left = divmod(left, size)
        if amount:
            told.append(f"{amount} {unit}")
        elif told:
            break
    return " ".join(told[:2]) or "0 s"


def size(amount: int | None) -> str:
    """Bytes, in powers of 1,000."""
    if amount is None:
        return NONE
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if amount >= one:
            return f"{amount / one:,.1f} {unit}"
    return f"{amount} B"


def measure(value: float | None, unit: str | None) -> str:
    """With its unit as people write it."""
    if value is None or value != value:
        return NONE
    if unit == "Bytes":
        return size(round(value))
    return f"{number(value)} {'%' if unit == 'Percent' else unit}" if unit else number(value)


def text(value: object) -> str:
    return NONE if value is None or value == "" else str(value)


def short_id(resource_id: str) -> str:
    """The last part of an Azure id or ARN, by which people know it."""
    return resource_id.rstrip("/").rpartition("/")[2].rpartition(":")[2] or resource_id


def count_of(amount: int, one: str, many: str | None = None) -> str:
    """1 alert, 2 alerts."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"
