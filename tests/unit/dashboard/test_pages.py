"""What pages make of answers, without a browser: gold made by hand, and the HTML that a reader is given."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

import pytest

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout import words
from pipelines.dashboard.layout.blocks import Fact, facts
from pipelines.dashboard.layout.heat import daily_heat
from pipelines.dashboard.layout.markup import to_html
from pipelines.dashboard.layout.severities import gravity, places, urgency
from pipelines.dashboard.pages import compliance, cost, pipeline, savings, security
from pipelines.dashboard.pages.pipeline import quiet_seconds
from pipelines.dashboard.pages.watch import watch
from pipelines.dashboard.questions.compliance import CONTROLS, DRIFTS
from pipelines.dashboard.questions.pipeline import MEASURED, STREAMS
from pipelines.dashboard.questions.security import ACTORS, FINDINGS, TECHNIQUES
from pipelines.settings import load_settings
from tests import hand_made_gold
from tests.gold_tables import write_rows
from tests.hand_made_compliance import compliance as hand_made_compliance


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    settings = load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path_factory.mktemp("gold"))})
    hand_made_gold.write_all(settings)
    return Answers(settings)


def text(page: object) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", to_html(page)))


def at(path: str, **chosen: str) -> Address:
    return Address(path, tuple(chosen.items()))


def test_what_is_wrong_comes_first_and_each_figure_leads_to_its_page(answers: Answers) -> None:
    said = to_html(watch(answers))

    assert "7 of 8 figures need a look." in said
    order = re.findall(r"<a href=\"([^\"]+)\">([^<]+)</a></dt><dd>([^<]+)<", said)
    assert order[0] == ("/incidents", "open incidents", "1")
    assert ("/security?days=1", "grave findings of 2 March", "2") in order
    assert ("/compliance", "critical controls not kept", "1") in order
    assert order[-1] == ("/pipeline", "streams with errors", "0"), "what is well comes last"


def test_what_is_not_made_yet_is_not_watched_and_said_so(tmp_path: Path) -> None:
    settings = load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path)})
    assert "lakehouse run all" in to_html(watch(Answers(settings)))

    write_rows(settings, "gold.compliance", [row for row in hand_made_compliance() if row["account"] == "orders"])
    said = to_html(watch(Answers(settings)))
    assert "Nothing that is known needs anybody. 7 tables have not been made yet." in said
    assert "critical controls not kept" in said


def test_findings_can_be_narrowed_to_a_severity_a_tactic_or_an_actor(answers: Answers) -> None:
    everything = {"days": 30, "severity": "", "tactic": "", "actor": ""}

    assert len(answers.ask(FINDINGS, **everything)) == 11
    assert len(answers.ask(FINDINGS, **everything | {"days": 1})) == 4
    assert {one.severity for one in answers.ask(FINDINGS, **everything | {"severity": "high"})} == {"high"}
    assert len(answers.ask(FINDINGS, **everything | {"tactic": "Credential Access"})) == 6
    assert len(answers.ask(FINDINGS, **everything | {"actor": "mallory@example.com"})) == 3
    gravest, *_ = answers.ask(TECHNIQUES, **everything)
    assert (gravest.technique_id, gravest.gravest, gravest.findings) == ("T1562.008", "critical", 1)
    mallory, olive = answers.ask(ACTORS, **everything)
    assert (mallory.actor, mallory.gravest, mallory.grave, mallory.findings) == (
        "mallory@example.com",
        "critical",
        1,
        3,
    )
    assert olive.actor == "arn:aws:iam::222:user/olive"


def test_the_gravest_finding_is_told_of_until_another_is_chosen(answers: Answers) -> None:
    first = text(security.page(at("/security"), answers))
    chosen = text(security.page(at("/security", finding="brute_force-130"), answers))
    none = text(security.page(at("/security", actor="nobody"), answers))

    assert "stopped the trail audit-trail of account 222 ■ critical" in first
    assert "aws-cli/2.15" in first, "what the record says"
    assert "203.0.113.7 failed to sign in 40 times within minutes ■ high" in chosen
    assert "failure, 40 times" in chosen
    assert "No finding is like that." in none


def test_a_control_is_scored_over_all_accounts_or_one(answers: Answers) -> None:
    everywhere = {one.control_id: one for one in answers.ask(CONTROLS, account="")}
    orders = {one.control_id: one for one in answers.ask(CONTROLS, account="orders")}

    assert next(iter(everywhere)) == "defender-runs", "critical, and not kept"
    assert everywhere["audit-rules"].score == pytest.approx(8 / 9)
    assert orders["audit-rules"].score == pytest.approx(2 / 3)
    assert (everywhere["defender-runs"].score, everywhere["defender-runs"].score_before) == (pytest.approx(5 / 6), 1.0)
    assert "defender-runs" not in orders


def test_a_drift_is_there_once_as_it_was_last(answers: Answers) -> None:
    drifts = answers.ask(DRIFTS, account="", control="")

    assert [(one.drift_id, one.status) for one in drifts] == [
        ("stopped", "open"),
        ("rules", "open"),
        ("root", "closed"),
    ]
    said = text(compliance.page(at("/compliance"), answers))
    assert "mallory@example.com Run Command on Virtual Machine" in said
    assert "2 alerts, first HighCpu; 41 anomalies" in said
    assert "-16.7 points" in said, "Defender, against a week before"
    alone = text(compliance.page(at("/compliance", control="ssh-no-root"), answers))
    assert "Of the control ssh-no-root alone." in alone
    assert "WinDefend" not in alone


def test_what_a_unit_costs_is_held_against_the_week_before(answers: Answers) -> None:
    said = text(cost.page(at("/cost"), answers))

    assert "million requests served Virtual Machines what it did 84 525.00 USD 6.25 USD 5.00 +25.0 %" in said
    assert "0.192 USD 0.192 unchanged" in said


def test_savings_of_an_owner_are_added_up_without_those_that_exclude_each_other(answers: Answers) -> None:
    everything = text(savings.page(at("/savings"), answers))
    owned = text(savings.page(at("/savings", owner="web team"), answers))

    assert "USD a month to save 380.40" in everything, "310.40 and 70: another proposal for batch-01 adds nothing"
    assert "USD a month to save 70.00" in owned
    assert "batch-01 end what is idle" not in owned


@pytest.mark.parametrize(("measure", "most"), [("p95", 9.1), ("p99", 8.8), ("records", 120.0), ("state", 4.92)])
def test_a_stream_can_be_looked_at_by_each_measure(answers: Answers, measure: str, most: float) -> None:
    rows = answers.ask(MEASURED, measure=measure, hours=24, bucket=5)

    assert max(row.value for row in rows) == pytest.approx(most, abs=0.05)
    assert "choose another measure" not in text(pipeline.page(at("/pipeline", measure=measure), answers))


def test_how_long_the_streams_have_been_quiet(answers: Answers) -> None:
    streams = answers.ask(STREAMS)

    assert quiet_seconds(streams, datetime(2026, 3, 2, 12, 15)) == 900
    assert quiet_seconds(streams, datetime(2026, 3, 2, 11)) == 0, "a clock that is behind"


def test_the_order_of_severities() -> None:
    assert sorted(["low", "critical", "odd", "high"], key=gravity) == ["critical", "high", "low", "odd"]
    assert sorted(["info", "page", "odd", "critical"], key=urgency) == ["page", "critical", "info", "odd"]
    assert len(set(places(["critical", "high", "medium", "low", "info"]))) == 5, "a colour each"


def test_a_day_that_nobody_knows_has_no_colour() -> None:
    figure = daily_heat({(date(2026, 3, 1), "a"): 0.0, (date(2026, 3, 3), "a"): 0.5}, ["a"], "not kept")

    assert [list(row) for row in figure.data[0].z] == [[0.0, None, 0.5]]


def test_a_figure_that_leads_on_is_a_link_by_its_label() -> None:
    shown = to_html(facts(Fact("open", "1", "bad", "/incidents"), Fact("closed", "2")))

    assert '<dt><a href="/incidents">open</a></dt>' in shown
    assert "<dt>closed</dt>" in shown


def test_more_words() -> None:
    assert words.points(-0.167) == "-16.7 points"
    assert words.points(0.0) == "unchanged"
    assert words.size(4_920_000) == "4.9 MB"
    assert words.size(12) == "12 B"
    assert words.size(None) == words.NONE
    assert words.measure(78.0, "Percent") == "78 %"
    assert words.measure(2e9, "Bytes") == "2.0 GB"
    assert words.measure(None, "Percent") == words.NONE
    assert words.measure(3.0, None) == "3"
