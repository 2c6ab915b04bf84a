"""What pages are built of: addresses, words, HTML that is escaped, and days that have a place."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from dash import dcc, html

from pipelines.dashboard.address import Address
from pipelines.dashboard.layout import words
from pipelines.dashboard.layout.badges import BAD, QUIET, tone
from pipelines.dashboard.layout.daily import OfDay, daily_bars
from pipelines.dashboard.layout.markup import light, to_html
from pipelines.dashboard.layout.tables import Column, table
from pipelines.dashboard.pages.cost import largest
from pipelines.dashboard.pages.series import stretches
from pipelines.dashboard.questions.cost import DayOfCost
from pipelines.dashboard.questions.series import Point

NUMBERS = (Column[int]("n", str, lambda n: n, numeric=True),)


def test_an_address_is_read_and_written() -> None:
    at = Address.parse("/series/", "?resource=a%2Fb&hours=6&empty=")

    assert at.path == "/series"
    assert at.get("resource") == "a/b"
    assert at.get("empty") is None
    assert at.one_of("hours", ("6", "24"), "24") == "6"
    assert at.one_of("resource", ("x",), "x") == "x"
    assert at.link({"hours": None, "resource": "c d"}) == "/series?resource=c+d"


@pytest.mark.parametrize(("given", "page"), [("3", 3), ("0", 1), ("-2", 1), ("x", 1), ("99999999", 1), ("²", 1)])
def test_a_page_number_that_is_none_is_the_first(given: str, page: int) -> None:
    assert Address("/", (("p", given),)).number("p", 1) == page


def test_what_a_table_holds_is_shown_and_never_run() -> None:
    evil = '<script>alert(1)</script>" onmouseover="x'

    shown = to_html(html.P([evil, html.A("x", href=f"/series?{evil}", title=evil)], className="a b"))

    assert "<script" not in shown
    assert '" onmouseover="' not in shown
    assert shown.startswith('<p class="a b">&lt;script&gt;')


def test_what_does_not_change_is_html_and_charts_are_not() -> None:
    chart = html.Figure([html.Figcaption(["a ", html.B("b")]), dcc.Graph(id="g")])
    page = light(html.Div([html.H1("Title"), html.Dl([html.Dt("x")]), chart]))

    title, facts, figure = page.children
    assert title.children == "Title"
    assert facts.children is None
    assert getattr(facts, "data-html") == "<dt>x</dt>"
    caption, graph = figure.children
    assert getattr(caption, "data-html") == "a <b>b</b>"
    assert isinstance(graph, dcc.Graph)


def test_a_table_is_sorted_and_paged_by_its_address() -> None:
    rows = list(range(120))

    first = to_html(table("t", "numbers", NUMBERS, rows, Address("/")))
    down = to_html(table("t", "numbers", NUMBERS, rows, Address("/", (("t-sort", "-0"), ("t-page", "2")))))
    beyond = to_html(table("t", "numbers", NUMBERS, rows, Address("/", (("t-page", "99"), ("t-sort", "7")))))

    assert "page 1 of 3, 120 rows" in first
    assert 'aria-sort="none"' in first
    assert 'href="/?t-sort=0"' in first
    assert 'aria-sort="descending"' in down
    assert ">69<" in down
    assert ">119<" not in down
    assert "page 3 of 3" in beyond


def test_what_is_not_known_is_last_whichever_way_a_table_is_sorted() -> None:
    columns = (Column[float | None]("n", words.number, lambda n: n),)
    for order, expected in (("0", ("1", "2", words.NONE)), ("-0", ("2", "1", words.NONE))):
        shown = to_html(table("t", "n", columns, [None, 2.0, 1.0], Address("/", (("t-sort", order),))))
        places = [shown.index(f">{value}<") for value in expected]
        assert places == sorted(places)


def test_words() -> None:
    assert words.duration(7_500) == "2 h 5 min"
    assert words.duration(86_400 + 30) == "1 d"
    assert words.duration(180) == "3 min"
    assert words.duration(0) == "0 s"
    assert words.share(0.99995) == "> 99.99 %"
    assert words.share(0.9979) == "99.79 %"
    assert words.share(0.00001) == "< 0.01 %"
    assert words.share(1.0) == "100 %"
    assert words.number(1234567) == "1,234,567"
    assert words.number(float("nan")) == words.NONE
    assert words.short_id("arn:aws:ec2:eu-west-1:222:instance/i-01") == "i-01"
    assert words.moment(datetime(2026, 3, 2, 12)) == "2026-03-02 12:00"


def test_a_state_that_nobody_knows_is_neither_good_nor_bad() -> None:
    assert tone("anything") is QUIET
    assert tone("Silent") is BAD


def test_a_day_without_anything_has_its_place() -> None:
    figure = daily_bars([OfDay(date(2026, 3, 1), "a", 2), OfDay(date(2026, 3, 4), "a", 1)], ("a",), "alerts")

    assert list(figure.data[0].y) == [2, 0, 0, 1]


def test_the_kinds_that_cost_most_are_named_and_the_rest_is_one() -> None:
    day = date(2026, 3, 1)
    kinds, amounts = largest([DayOfCost(day, "USD", f"k{n}" if n else None, float(n + 1)) for n in range(9)])

    assert kinds == ["k8", "k7", "k6", "k5", "k4", "others"]
    assert sum(one.amount for one in amounts) == 45.0
    assert next(one.amount for one in amounts if one.kind == "others") == 10.0


def test_anomalies_close_together_are_one_stretch() -> None:
    def point(minute: int, score: float) -> Point:
        return Point(datetime(2026, 3, 2, 12, minute), 1.0, None, None, None, score, True)

    later, earlier = stretches([point(0, 0.9), point(9, 0.8), point(19, 0.95)])

    assert (earlier.anomalies, earlier.strongest.anomaly_score) == (2, 0.9)
    assert (later.start.minute, later.anomalies) == (19, 1)
