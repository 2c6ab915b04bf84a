"""The life of an alert: pending for as long as `for` says, firing, kept firing for a while, resolved; each but once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.alerts.state import FIRING, INACTIVE, PENDING, RESOLVED, Terms, advance, no_states

SERIES = ("a", "b")


@dataclass(frozen=True)
class Change:
    at: int
    key: str
    previous: str | None
    state: str
    since: int


def lives(truths: list[frozenset[str]], hold: int = 0, keep: int = 0, step: int = 1) -> list[Change]:
    """The transitions of one rule, whose condition is true of the series `truths[n]` at the moment n * step."""
    terms = Terms(np.array([hold]), np.array([keep]))
    states, changes = no_states(), []
    for place, true in enumerate(truths):
        active = pd.DataFrame({"rule": 0, "key": sorted(true), "value": 1.0}).astype({"rule": "int64", "key": object})
        states, found = advance(states, active, place * step, terms)
        changes += [
            Change(place * step, one.key, one.previous, one.state, one.active_since) for one in found.itertuples()
        ]
    return changes


def of_a(pattern: str) -> list[frozenset[str]]:
    return [frozenset("a") if truth == "x" else frozenset() for truth in pattern]


def test_it_pends_then_fires_when_the_condition_has_held_for_long_enough() -> None:
    assert lives(of_a("xxxx"), hold=2) == [Change(0, "a", None, PENDING, 0), Change(2, "a", PENDING, FIRING, 0)]


def test_without_for_it_fires_at_once() -> None:
    assert lives(of_a("x")) == [Change(0, "a", None, FIRING, 0)]


def test_a_break_while_it_pends_starts_it_anew() -> None:
    assert lives(of_a("xx.xxx"), hold=2) == [
        Change(0, "a", None, PENDING, 0),
        Change(2, "a", PENDING, INACTIVE, 0),
        Change(3, "a", None, PENDING, 3),
        Change(5, "a", PENDING, FIRING, 3),
    ]


def test_a_series_that_is_gone_is_resolved() -> None:
    assert lives(of_a("x.."))[1:] == [Change(1, "a", FIRING, RESOLVED, 0)]


def test_it_is_kept_firing_through_a_short_break_and_then_resolved() -> None:
    assert lives(of_a("x.x..."), keep=2)[1:] == [Change(5, "a", FIRING, RESOLVED, 0)]


def test_each_series_has_a_life_of_its_own() -> None:
    changes = lives([frozenset("a"), frozenset("ab"), frozenset("b")])
    assert [(one.at, one.key, one.state) for one in changes] == [(0, "a", FIRING), (1, "b", FIRING), (2, "a", RESOLVED)]


_TRUTHS = st.lists(st.sets(st.sampled_from(SERIES)).map(frozenset), max_size=14)
_EXAMPLES = settings(deadline=None, max_examples=60)


@_EXAMPLES
@given(_TRUTHS, st.integers(0, 4), st.integers(0, 3))
def test_whatever_happens_no_alert_fires_early_and_none_ends_twice(
    truths: list[frozenset[str]], hold: int, keep: int
) -> None:
    changes = lives(truths, hold, keep)
    for key in SERIES:
        mine = [one for one in changes if one.key == key]
        assert len({(one.at, one.state) for one in mine}) == len(mine)
        for before, after in zip([None, *mine], mine, strict=False):
            open_before = before is not None and before.state in (PENDING, FIRING)
            # Each transition begins where the one before ended, so nothing is repeated and no end is without a begin.
            assert after.previous == (before.state if before and open_before else None)
            assert after.state in ({FIRING, INACTIVE, RESOLVED} if open_before else {PENDING, FIRING})
            assert (after.state == RESOLVED) == (after.previous == FIRING)
        for one in mine:
            if one.state == FIRING:
                assert all(key in truths[at] for at in range(one.at - hold, one.at + 1))
            if one.state == RESOLVED:
                assert all(key not in truths[at] for at in range(one.at - keep, one.at + 1))


@_EXAMPLES
@given(_TRUTHS, st.integers(0, 4))
def test_an_alert_that_has_held_for_long_enough_does_fire(truths: list[frozenset[str]], hold: int) -> None:
    firing: set[str] = set()
    changes = {(one.at, one.key): one.state for one in lives(truths, hold)}
    for at in range(len(truths)):
        for key in SERIES:
            state = changes.get((at, key))
            firing = firing | {key} if state == FIRING else firing - {key} if state == RESOLVED else firing
            begun = at - hold
            held = begun >= 0 and all(key in truths[moment] for moment in range(begun, at + 1))
            assert (key in firing) == held
