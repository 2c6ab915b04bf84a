"""conf/security.yaml: what a rule may say, and what is said of one that is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.errors import SettingsError
from pipelines.gold.security.rules import TITLE_FIELDS, security_rules
from pipelines.gold.security.shape import SHAPE

HEAD = 'attack_version: "18.1"\ntechniques: {T1098: Account Manipulation}\nrules:\n'


def rule(**changes: str) -> str:
    said = {
        "name": "r", "title": "'{actor} did it'", "severity": "low", "tactic": "Persistence", "technique": "T1098",
        "match": "[{kind: aws, actions: [x]}]", **changes,
    }  # fmt: skip
    return "- {" + ", ".join(f"{name}: {value}" for name, value in said.items() if value) + "}\n"


def test_the_rules_that_we_ship_name_techniques_that_they_list() -> None:
    rules = security_rules()

    assert len(rules.rules) > 50
    assert {rule.technique for rule in rules.rules} - {None} == set(rules.techniques)
    assert all(re.fullmatch(r"[A-Z].*", name) for name in rules.techniques.values())


def test_what_a_title_may_name_is_known_of_every_action() -> None:
    assert set(TITLE_FIELDS) - {"occurrences"} <= set(SHAPE)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (rule(severity="grave"), "rule r.severity is 'grave'"),
        (rule(technique="T9999"), "rule r: technique T9999 is not among `techniques`: add it"),
        (rule(tactic="''"), "rule r.tactic"),
        (rule(tactic=""), "name both, or neither"),
        (rule(title="'{who} did it'"), "names {who}; it may name actor"),
        (rule(match="[{kind: aws}]"), "matches every record: name actions or where"),
        (rule(match="[{kind: gcp, actions: [x]}]"), "rule r.match.0.kind is 'gcp'"),
        (rule(match="[{kind: aws, where: {actor: '('}}]"), "should be a regular expression"),
        (rule(match="[{kind: aws, where: {colour: red}}]"), "rule r.match.0.where.colour"),
        (rule(burst="{by: actor, within: soon, at_least: 3}"), "rule r.burst.within is 'soon'"),
        (rule(burst="{by: region, within: 5 minutes, at_least: 3}"), "rule r.burst.by is 'region'"),
        (rule() + rule(), "rule r is there twice"),
        (rule(instead_of="[x]"), "rule r: instead_of names x, which is no rule"),
        (rule(colour="red"), "rule r.colour is 'red'"),
    ],
)
def test_a_wrong_rule_is_refused_with_rule_field_and_remedy(tmp_path: Path, text: str, wanted: str) -> None:
    path = tmp_path / "security.yaml"
    path.write_text(HEAD + text)

    with pytest.raises(SettingsError) as error:
        security_rules(path)
    assert wanted in str(error.value)
    assert str(path) in str(error.value)


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "security.yaml"
    path.write_text("rules: [")

    with pytest.raises(SettingsError, match="cannot be read as YAML"):
        security_rules(path)
