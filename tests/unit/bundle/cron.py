"""Whether a Quartz cron expression is one."""

from __future__ import annotations

_CRON_FIELDS = (
    ("seconds", 0, 59),
    ("minutes", 0, 59),
    ("hours", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 1, 7),
    ("year", 1970, 2099),
)
_CRON_NAMES = {
    "month": ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    "day of week": ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
}


def cron_problem(expression: str) -> str | None:
    """What is wrong with a Quartz expression (quartz-scheduler.org, CronTrigger), in words; None if nothing is."""
    parts = expression.split()
    if len(parts) not in (6, 7):
        return f"{expression!r} has {len(parts)} fields: seconds, minutes, hours, day, month, weekday and perhaps year"
    if (parts[3] == "?") == (parts[5] == "?"):
        return f"{expression!r}: one of day of month and day of week is '?', and only one"
    for part, (name, least, most) in zip(parts, _CRON_FIELDS, strict=False):
        if part == "?":
            continue
        for item in part.split(","):
            numbers = _cron_numbers(item, name)
            if numbers is None or any(not least <= number <= most for number in numbers):
                return f"{expression!r}: {name} {item!r} is not within {least} to {most}"
    return None


def _cron_numbers(item: str, name: str) -> list[int] | None:
    """The numbers of a part without commas, those of `*` left out; None if it is none."""
    base, slash, step = item.partition("/")
    if slash and not (step.isdigit() and int(step) > 0):
        return None
    if base == "*":
        return []
    names = _CRON_NAMES.get(name, [])
    numbers = [names.index(one) + 1 if one in names else int(one) if one.isdigit() else -1 for one in base.split("-")]
    return numbers if len(numbers) <= 2 else None
