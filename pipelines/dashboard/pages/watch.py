"""What needs somebody now: a figure of every other page, what is wrong first, each a link to where more is told."""

from __future__ import annotations

from pipelines.dashboard.answers import Answers, NotYetMadeError
from pipelines.dashboard.layout import words
from pipelines.dashboard.layout.blocks import Child, Fact, command, facts, note
from pipelines.dashboard.pages.pipeline import QUIET_SECONDS, clock, quiet_seconds
from pipelines.dashboard.questions.alerts import ACTIVE
from pipelines.dashboard.questions.compliance import CONTROLS
from pipelines.dashboard.questions.fleet import RESOURCES
from pipelines.dashboard.questions.incidents import INCIDENTS
from pipelines.dashboard.questions.pipeline import STREAMS
from pipelines.dashboard.questions.quality import CHECKS
from pipelines.dashboard.questions.security import FINDINGS_BY_DAY

_ORDER = {"bad": 0, "warn": 1, "": 2, "good": 3}


def watch(answers: Answers) -> Child:
    """A figure whose table has not been made is left out; its own page says what makes it."""
    known: list[Fact] = []
    missing = 0
    for ask in (_incidents, _alerts, _resources, _findings, _controls, _checks, _errors, _quiet):
        try:
            known += ask(answers)
        except NotYetMadeError:
            missing += 1
    if not known:
        return note("There is nothing to watch yet. This starts the streams: ", command("lakehouse run all"))
    wrong = sum(fact.tone in ("bad", "warn") for fact in known)
    told = "Nothing that is known needs anybody." if not wrong else f"{wrong} of {len(known)} figures need a look."
    said = f"{told} {words.count_of(missing, 'table has', 'tables have')} not been made yet." if missing else told
    return [note(said), facts(*sorted(known, key=lambda fact: _ORDER[fact.tone]))]


def _incidents(answers: Answers) -> list[Fact]:
    still_open = sum(row.status == "open" for row in answers.ask(INCIDENTS))
    return [_wrong("open incidents", still_open, "bad", "/incidents")]


def _alerts(answers: Answers) -> list[Fact]:
    firing = [row for row in answers.ask(ACTIVE) if row.state == "firing"]
    is_grave = any(row.severity in ("page", "critical") for row in firing)
    return [_wrong("alerts that fire", len(firing), "bad" if is_grave else "warn", "/alerts")]


def _resources(answers: Answers) -> list[Fact]:
    rows = answers.ask(RESOURCES)
    down = sum(row.state == "unavailable" for row in rows)
    return [_wrong("resources unavailable", down, "bad", "/?state=unavailable#map")]


def _findings(answers: Answers) -> list[Fact]:
    rows = answers.ask(FINDINGS_BY_DAY, days=1, severity="", tactic="", actor="")
    grave = sum(row.findings for row in rows if row.severity in ("critical", "high"))
    day = f" of {rows[0].day:%-d %B}" if rows else ""
    return [_wrong(f"grave findings{day}", grave, "bad", "/security?days=1")]


def _controls(answers: Answers) -> list[Fact]:
    broken = [row for row in answers.ask(CONTROLS, account="") if row.drifted and row.severity == "critical"]
    return [_wrong("critical controls not kept", len(broken), "bad", "/compliance")]


def _checks(answers: Answers) -> list[Fact]:
    failed = sum(row.status in ("failed", "error") for row in answers.ask(CHECKS))
    return [_wrong("data checks that failed", failed, "warn", "/quality#checks")]


def _errors(answers: Answers) -> list[Fact]:
    failing = sum(row.errors > 0 for row in answers.ask(STREAMS))
    return [_wrong("streams with errors", failing, "bad", "/pipeline")]


def _quiet(answers: Answers) -> list[Fact]:
    streams = answers.ask(STREAMS)
    if not streams:
        return []
    quiet = quiet_seconds(streams, clock())
    tone = "warn" if quiet > QUIET_SECONDS else "good"
    return [Fact("since a stream's last word", words.duration(quiet), tone, "/pipeline")]


def _wrong(label: str, amount: int, tone: str, href: str) -> Fact:
    """None of it is good."""
    return Fact(label, words.number(amount), tone if amount else "good", href)
