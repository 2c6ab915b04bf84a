"""What a batch's rows were found to be, as counts of each rule."""

from __future__ import annotations

from dataclasses import replace

from pipelines.quality.tally import RuleCount, Tally
from pipelines.rules import Action, RowRule, Severity
from pipelines.tables import contract

THINGS = replace(
    contract("silver.heartbeats"),
    name="things",
    rules=(
        RowRule("no_name", "name IS NOT NULL", "no name", Action.QUARANTINE, Severity.CRITICAL),
        RowRule("old", "age < 100", "old", Action.WARN, Severity.WARNING),
        RowRule("no_id", "id IS NOT NULL", "no id", Action.FAIL, Severity.CRITICAL),
    ),
)
OTHERS = replace(THINGS, name="others", rules=())


def test_all_rules_of_a_table_are_counted_broken_or_not() -> None:
    tally = Tally()
    tally.add_good(THINGS, 10, [3, 0])

    assert tally.rule_counts((THINGS,)) == (
        RuleCount("silver.things", "no_name", Action.QUARANTINE, 10, 0),
        RuleCount("silver.things", "old", Action.WARN, 10, 3),
        RuleCount("silver.things", "no_id", Action.FAIL, 10, 0),
    )


def test_what_is_quarantined_is_not_held_against_the_rules_that_warn() -> None:
    tally = Tally()
    tally.add_good(THINGS, 7, [1, 0])
    tally.bad["silver.things", "no_name"] += 2
    tally.bad["silver.things", "bad_value"] += 1  # of the decoder

    counts = {count.rule: (count.action, count.checked, count.broken) for count in tally.rule_counts((THINGS,))}

    assert counts == {
        "bad_value": (Action.QUARANTINE, 10, 1),
        "no_name": (Action.QUARANTINE, 10, 2),
        "old": (Action.WARN, 7, 1),
        "no_id": (Action.FAIL, 7, 0),
    }


def test_a_table_without_rows_has_no_counts() -> None:
    assert Tally().rule_counts((THINGS, OTHERS)) == ()


def test_two_tallies_add_up() -> None:
    one, other = Tally(), Tally()
    one.add_good(THINGS, 1, [1, 0])
    other.add_good(THINGS, 2, [1, 1])
    other.bad["silver.others", "malformed_json"] += 4

    one.add(other)

    assert one.good == {"silver.things": 3}
    assert one.broken == {("silver.things", "old"): 2, ("silver.things", "no_id"): 1}
    assert one.rule_counts((OTHERS,)) == (RuleCount("silver.others", "malformed_json", Action.QUARANTINE, 4, 4),)
