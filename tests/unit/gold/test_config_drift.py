"""gold.config_drift and gold.compliance: what differs from the baseline, who made it so, and how well is it kept?"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import Row, SparkSession

from pipelines.errors import SettingsError
from pipelines.gold.drift import compliance as compliance_of
from pipelines.gold.drift import config_drift
from pipelines.gold.drift.baseline import Baseline, Control, Scope, Severity, baseline
from pipelines.gold.drift.compliance import compliance
from pipelines.gold.drift.config_drift import (
    ALERTS,
    CHANGES,
    EVENTS,
    INVENTORY,
    ITEMS,
    SCORES,
    drifts,
    observed,
    open_on,
    with_causes,
)
from pipelines.views import view
from tests.unit.gold.silver_rows import NOON, after, silver

DAY = 86_400.0
MONDAY = date(2026, 3, 2)
DEFENDER = Control(
    id="defender", title="Defender runs", severity=Severity.CRITICAL, frameworks=("CIS 10.1",), item_type="service",
    item="WinDefend", field="state", allowed=("Running",),
)  # fmt: skip
STARTS = DEFENDER.model_copy(
    update={"id": "starts", "severity": Severity.LOW, "field": "startuptype", "allowed": (), "forbidden": ("Disabled",)}
)
SSHD = Control(
    id="sshd", title="sshd as it was", severity=Severity.HIGH, frameworks=("CIS 4.1",), item_type="file",
    item="/etc/ssh/*", field="filecontentchecksum", must_not_change=True,
)  # fmt: skip
TELNET = Control(
    id="telnet", title="No telnet", severity=Severity.HIGH, frameworks=("CIS 4.8",), item_type="software",
    item="*telnetd*", field="present", forbidden=("yes",),
)  # fmt: skip
CONFIG = Control(
    id="config", title="AWS Config's rules", severity=Severity.LOW, frameworks=("CIS 4.1",),
    item_type="aws_config_rule", item="*", field="compliance", forbidden=("NON_COMPLIANT",),
)  # fmt: skip
GROUPS = CONFIG.model_copy(
    update={
        "id": "groups", "item_type": "aws_property", "item": "aws::ec2::securitygroup", "forbidden": (),
        "field": "configuration.ippermissions*", "must_not_change": True,
    }
)  # fmt: skip
TAGGED = DEFENDER.model_copy(
    update={"id": "tagged", "applies_to": Scope(tags={"env": "prod*"}), "severity": Severity.LOW}
)
CONTROLS = Baseline(controls=(DEFENDER, STARTS, SSHD, TELNET, CONFIG, GROUPS, TAGGED))


def change(
    resource: str, item: str, field: str | None, old: Any, new: Any, seconds: float, **more: Any
) -> dict[str, Any]:
    kind = {"W": "service", "/": "file", "t": "software", "P": "service"}[item[0]]
    return {
        "resource_id": resource, "host_name": resource.rsplit("/", 1)[-1].lower(), "cloud_account_id": "s-1",
        "item_type": kind, "item_name": item, "change_type": "Modified", "field": field, "old_value": old,
        "new_value": new, "event_time": after(seconds), "source": "azure.log_analytics.configurationchange", **more,
    }  # fmt: skip


def service(resource: str, state: str, seconds: float, **more: Any) -> dict[str, Any]:
    return {
        "resource_id": resource, "cloud_account_id": "s-1", "item_type": "service", "item_name": "WinDefend",
        "state": state, "event_time": after(seconds), "source": "azure.log_analytics.configurationdata",
        "attributes": {"SvcStartupType": "Auto"}, **more,
    }  # fmt: skip


BOTH = json.dumps({"SvcState": "Stopped", "SvcStartupType": "Disabled"})
BEFORE = json.dumps({"SvcState": "Running", "SvcStartupType": "Auto"})
CHANGED = [
    # The machine is known by its id in one letter case, and by its host name in its own log.
    change("/machines/WEB-1", "WinDefend", "SvcState,SvcStartupType", BEFORE, BOTH, 0),
    change("/machines/web-1", "WinDefend", "SvcState", "Stopped", "Running", 2 * DAY),
    change("web-2", "/etc/ssh/sshd_config", "FileContentChecksum", "aaa", "bbb", 600),
    change("web-2", "/etc/ssh/sshd_config", "FileContentChecksum", "bbb", "ccc", 1200),
    change("web-3", "telnetd", None, None, None, 0, change_type="Added"),
    change("web-3", "telnetd", None, None, None, 3600, change_type="Removed"),
    # No control is about it: a change, but no drift.
    change("web-3", "Printer", "SvcState", "Running", "Stopped", 0),
    change("web-4", "WinDefend", None, None, None, 0, item_name="WinDefend"),
]
LISTED = [
    service("web-5", "Running", -DAY), service("web-5", "running", 0), service("web-6", "Stopped", 0),
    service("web-8", "", -DAY, item_type="file", item_name="/etc/ssh/x", attributes={"FileContentChecksum": "bbb"}),
    service("web-7", "Stopped", -8 * DAY), service("web-7", "Running", -2 * DAY),
]  # fmt: skip


def told(action: str, seconds: float, **detail: Any) -> dict[str, Any]:
    """AWS Config, in EventBridge's envelope."""
    attributes = {
        f"detail.{name}": value if isinstance(value, str) else json.dumps(value) for name, value in detail.items()
    }
    return {
        "source": "aws.eventbridge", "action": action, "resource_id": "arn:aws:config:rule", "cloud_provider": "aws",
        "cloud_account_id": "a-1", "event_time": after(seconds), "category": "policy", "attributes": attributes,
    }  # fmt: skip


GROUP_RULES = {"previousValue": None, "updatedValue": {"cidr": "0.0.0.0/0"}, "changeType": "CREATE"}
TOLD = [
    told("Config Rules Compliance Change", 0, configRuleName="ssh-restricted", resourceId="sg-1",
         newEvaluationResult={"complianceType": "NON_COMPLIANT"}, resourceType="AWS::EC2::SecurityGroup"),
    told("Config Rules Compliance Change", 60, configRuleName="ssh-restricted", resourceId="sg-2",
         newEvaluationResult={"complianceType": "COMPLIANT"}),
    told("Config Configuration Item Change", 5,
         configurationItem={"ARN": "arn:aws:ec2:x:sg-3", "resourceType": "AWS::EC2::SecurityGroup"},
         configurationItemDiff={"changedProperties": {"Configuration.IpPermissions.0": GROUP_RULES}}),
    told("Config Configuration Item Change", 5, configurationItem="{broken", configurationItemDiff=[1]),
    told("Something else", 5),
]  # fmt: skip
DONE = [
    ("web-1", "net stop", "CORP\\eve", -300, "success"),
    ("web-1", "earlier", "CORP\\bob", -1700, "success"),
    ("web-1", "too early", "CORP\\sam", -4000, "success"),
    ("web-1", "refused", "CORP\\mal", -60, "failure"),
    ("WEB-2", "edit", "root", 590, None),
    ("other", "edit", "root", -5, None),
]
FIRED = [("web-1", "NoAntivirus", 600, "firing"), ("web-1", "Later", 1200, "firing"), ("web-1", "Old", -60, "firing"),
         ("web-1", "Pends", 60, "pending"), ("web-1", "MuchLater", 4000, "firing")]  # fmt: skip


class Found:
    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def on(self, day: date, control: str | None = None) -> dict[str, Row]:
        return {
            row["resource_id"]: row
            for row in self.rows
            if row["day"] == day and (control is None or row["control_id"] == control)
        }


def observations(spark: SparkSession) -> Any:
    tables = ((CHANGES, CHANGED), (ITEMS, LISTED), (EVENTS, TOLD))
    changes, items, events = (silver(spark, table, rows) for table, rows in tables)
    tagged = [{"resource_id": "Web-6", "tags": {"env": "Prod"}, "is_current": True},
              {"resource_id": "web-6", "tags": {"env": "test"}, "is_current": False}]  # fmt: skip
    inventory = silver(spark, INVENTORY, tagged, identity="resource_id")
    return observed(changes, items, events, inventory, CONTROLS)


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> Found:
    events = silver(spark, EVENTS, [
        {"resource_id": name, "host_name": name, "category": "audit", "action": action, "actor": actor,
         "event_time": after(seconds), "outcome": outcome} for name, action, actor, seconds, outcome in DONE
    ])  # fmt: skip
    alerts = silver_alerts(spark)
    scores = silver(spark, SCORES, [
        {"resource_id": "/machines/web-1", "metric": "cpu", "is_anomaly": is_anomaly, "event_time": after(seconds)}
        for is_anomaly, seconds in ((True, 60), (False, 120), (True, 180), (True, -5))
    ], identity="score_id")  # fmt: skip
    before = silver(spark, config_drift.TABLE, [
        {"drift_id": "d", "day": MONDAY - timedelta(days=1), "resource_id": "web-6", "control_id": "defender",
         "item_name": "WinDefend", "field": "state", "expected": "Running", "status": "open",
         "since": after(-90 * DAY)},
        {"drift_id": "d", "day": MONDAY - timedelta(days=1), "resource_id": "web-8", "control_id": "sshd",
         "item_name": "/etc/ssh/x", "field": "filecontentchecksum", "expected": "aaa", "status": "open",
         "since": after(-90 * DAY)},
    ], identity="drift_id")  # fmt: skip
    known = open_on(before, MONDAY - timedelta(days=1))
    there = drifts(observations(spark), CONTROLS.controls, known, MONDAY, MONDAY + timedelta(days=2)).localCheckpoint()
    rows = with_causes(there, events, alerts, scores, before, MONDAY)
    assert tuple(rows.columns) == config_drift.TABLE.column_names
    return Found(rows.collect())


def silver_alerts(spark: SparkSession) -> Any:
    return silver(spark, ALERTS, [
        {"resource_id": f"/machines/{name}", "alert_name": alert, "state": state, "transition_time": after(seconds)}
        for name, alert, seconds, state in FIRED
    ], identity="transition_id")  # fmt: skip


def test_what_differs_from_the_baseline_since_when_and_what_should_it_be(found: Found) -> None:
    stopped = found.on(MONDAY, "defender")

    assert set(stopped) == {"/machines/web-1", "web-6"}
    ours = stopped["/machines/web-1"]
    assert (ours["field"], ours["expected"], ours["actual"], ours["status"]) == ("state", "Running", "Stopped", "open")
    assert (ours["since"], ours["last_seen"], ours["closed_at"]) == (NOON.replace(tzinfo=None),) * 2 + (None,)
    assert (ours["severity"], ours["frameworks"], ours["title"]) == ("critical", "CIS 10.1", "Defender runs")
    assert set(found.on(MONDAY, "starts")) == {"/machines/web-1"}  # both fields of one change, each its own drift


def test_who_made_it_so(found: Found) -> None:
    ours, edited = found.on(MONDAY, "defender")["/machines/web-1"], found.on(MONDAY, "sshd")["web-2"]

    assert (ours["changed_by"], ours["changed_by_action"]) == ("CORP\\eve", "net stop")
    assert (edited["changed_by"], edited["changed_by_action"]) == ("root", "edit")
    assert found.on(MONDAY, "defender")["web-6"]["changed_by"] is None


def test_what_broke_after_it(found: Found) -> None:
    ours = found.on(MONDAY, "defender")["/machines/web-1"]

    assert (ours["broke_alerts"], ours["first_alert"], ours["broke_anomalies"]) == (2, "NoAntivirus", 2)
    assert (found.on(MONDAY, "sshd")["web-2"]["broke_alerts"], found.on(MONDAY, "sshd")["web-2"]["first_alert"]) == (
        0,
        None,
    )


def test_what_must_not_change_is_what_it_was_first(found: Found) -> None:
    edited = found.on(MONDAY, "sshd")["web-2"]

    assert (edited["expected"], edited["actual"]) == ("aaa", "ccc")
    assert edited["last_seen"] > edited["since"]


def test_a_drift_is_there_each_day_until_it_ends(found: Found) -> None:
    tuesday, wednesday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)

    days = [found.on(day, "defender")["/machines/web-1"] for day in (MONDAY, tuesday, wednesday)]
    assert [row["status"] for row in days] == ["open", "open", "closed"]
    assert len({row["drift_id"] for row in days}) == 1
    assert days[-1]["closed_at"] == after(2 * DAY).replace(tzinfo=None)
    # It came and went within a day.
    assert [set(found.on(day, "telnet")) for day in (MONDAY, tuesday)] == [{"web-3"}, set()]
    assert found.on(MONDAY, "telnet")["web-3"]["status"] == "closed"


def test_a_drift_that_was_open_before_is_still_the_same_one(found: Found) -> None:
    """Its beginning is longer ago than what is read again; without it, what was seen since would be thought right."""
    changed_long_ago = found.on(MONDAY, "sshd")["web-8"]

    assert (changed_long_ago["expected"], changed_long_ago["actual"]) == ("aaa", "bbb")
    assert changed_long_ago["since"] == after(-90 * DAY).replace(tzinfo=None)
    # Stopped anew on that day as far as can be seen: its own drift.
    assert found.on(MONDAY, "defender")["web-6"]["since"] == NOON.replace(tzinfo=None)


def test_a_control_may_be_for_resources_with_a_tag_alone(found: Found) -> None:
    assert set(found.on(MONDAY, "tagged")) == {"web-6"}


def test_what_aws_config_saw_is_drift_too(found: Found) -> None:
    judged, grown = found.on(MONDAY, "config"), found.on(MONDAY, "groups")

    assert {name: row["actual"] for name, row in judged.items()} == {"sg-1": "NON_COMPLIANT"}
    assert (judged["sg-1"]["provider"], judged["sg-1"]["account"]) == ("aws", "a-1")
    assert list(grown) == ["arn:aws:ec2:x:sg-3"]
    assert grown["arn:aws:ec2:x:sg-3"]["expected"] == "none"
    assert json.loads(grown["arn:aws:ec2:x:sg-3"]["actual"]) == {"cidr": "0.0.0.0/0"}


def test_a_change_without_a_control_is_no_drift(found: Found) -> None:
    assert not {row["item_name"] for row in found.rows} & {"Printer"}
    assert "web-4" not in {row["resource_id"] for row in found.rows}  # and nothing can be said of a field not told
    assert "web-5" not in {row["resource_id"] for row in found.rows}


def test_every_drift_is_complete_and_there_once_a_day(found: Found) -> None:
    required = [column.name for column in config_drift.TABLE.columns if column.required]

    assert len({(row["drift_id"], row["day"]) for row in found.rows}) == len(found.rows)
    assert all(row[name] is not None for row in found.rows for name in required)


def test_how_well_is_each_control_kept_and_is_that_better_than_a_week_before(spark: SparkSession) -> None:
    known = open_on(silver(spark, config_drift.TABLE, []), MONDAY)
    rows = compliance(observations(spark), CONTROLS.controls, known, MONDAY, MONDAY + timedelta(days=2))
    assert tuple(rows.columns) == compliance_of.TABLE.column_names
    kept = rows.collect()

    by = {(row["day"].day, row["control_id"]): row for row in kept}
    monday, wednesday = by[2, "defender"], by[4, "defender"]
    # web-1 and web-6 stopped; web-5 and web-7 run. A week before only web-7 was known, stopped.
    counts = ("resources_in_scope", "resources_compliant", "resources_drifted", "score", "score_before", "trend")
    assert [monday[name] for name in counts] == [4, 2, 2, 0.5, 0.0, 0.5]
    assert [wednesday[name] for name in counts[:4]] == [4, 3, 1, 0.75]
    assert (monday["account"], monday["severity"]) == ("s-1", "critical")
    assert [by[day, "telnet"]["score"] for day in (2, 3)] == [1.0, 1.0]

    table = rows.where("day = '2026-03-02' AND account = 's-1'").toPandas()
    [overall] = (
        duckdb.connect().register("compliance", table).sql(view("gold.compliance_score").sql("compliance")).fetchall()
    )
    ours = [row for row in kept if row["day"] == MONDAY and row["account"] == "s-1"]
    weights = {"defender": 8, "starts": 1, "sshd": 4, "telnet": 4, "tagged": 1}
    wanted = sum(weights[row["control_id"]] * row["score"] for row in ours) / 18
    assert overall[2] == pytest.approx(wanted)
    assert overall[4:] == (5, 4, 1)  # controls, of which drifted, of which critical


def test_the_baseline_that_we_ship_can_be_read() -> None:
    assert len({control.id for control in baseline().controls}) == len(baseline().controls) > 10


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("controls: []", "controls is"),
        ("controls:\n- {id: a}", "control a.title"),
        ("controls:\n- {id: a, title: t, severity: grave, frameworks: [x], item_type: s, item: i, field: f}",
         "control a.severity is 'grave'"),
        ("controls:\n- {id: a, title: t, severity: low, frameworks: [x], item_type: s, item: i, field: f}",
         "give one of allowed, forbidden and must_not_change"),
    ],
)  # fmt: skip
def test_a_wrong_baseline_is_refused_with_control_and_field(tmp_path: Path, text: str, wanted: str) -> None:
    path = tmp_path / "baseline.yaml"
    path.write_text(text)

    with pytest.raises(SettingsError) as error:
        baseline(path)
    assert wanted in str(error.value)
    assert str(path) in str(error.value)
