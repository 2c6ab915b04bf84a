"""Kubernetes events of both versions, alone, in lists, and in the envelopes of watches and exporters."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.conftest import Decode


def core(**changes: Any) -> dict[str, Any]:
    made = {
        "kind": "Event", "apiVersion": "v1", "metadata": {"name": "cart.1", "namespace": "shop", "uid": "e-1"},
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "cart-0", "uid": "p-1"},
        "reason": "BackOff", "message": "Back-off restarting", "type": "Warning", "count": 7,
        "firstTimestamp": "2026-03-01T10:00:00Z", "lastTimestamp": "2026-03-01T10:05:00Z", "eventTime": None,
        "source": {"component": "kubelet", "host": "Node-1"},
    }  # fmt: skip
    return made | changes


def newer(**changes: Any) -> dict[str, Any]:
    made = {
        "kind": "Event", "apiVersion": "events.k8s.io/v1", "metadata": {"name": "n.1", "uid": "e-2"},
        "regarding": {"kind": "Node", "name": "Node-1"}, "reason": "NodeReady", "note": "is ready", "type": "Normal",
        "eventTime": "2026-03-01T10:00:00.123456Z", "series": None, "action": "Readying",
        "reportingController": "kubelet", "reportingInstance": "Node-1", "deprecatedCount": 2,
    }  # fmt: skip
    return made | changes


def test_an_event_of_each_version(decode: Decode) -> None:
    [old], [new] = decode(core(), newer())

    assert (old.table, old.source, old.native_id) == ("events", "kubernetes.event", "e-1")
    assert (old.event_time, old.occurrences) == (datetime(2026, 3, 1, 10, 5), 7)
    assert (old.resource_id, old.resource_type, old.host_name) == ("k8s://shop/pod/cart-0", "kubernetes/pod", "node-1")
    assert (old.category, old.action, old.row["reason"], old.outcome) == ("kubernetes", "BackOff", "BackOff", "failure")
    assert (old.actor, old.message, old.severity_text) == ("kubelet", "Back-off restarting", "Warning")
    assert set(old.attributes) == {
        "kind", "apiVersion", "metadata", "involvedObject", "count", "firstTimestamp", "lastTimestamp", "source",
    }  # fmt: skip
    assert (new.event_time, new.occurrences) == (datetime(2026, 3, 1, 10, 0, 0, 123456), 2)
    assert (new.resource_id, new.host_name, new.actor) == ("k8s://node/Node-1", "node-1", "kubelet")
    assert (new.action, new.outcome, new.message) == ("NodeReady", None, "is ready")
    assert new.attributes["action"] == "Readying"


def test_envelopes(decode: Decode) -> None:
    items = {"kind": "List", "apiVersion": "v1", "items": [core(), {"kind": "Pod", "metadata": {}}]}
    bare = {key: value for key, value in core().items() if key not in ("kind", "apiVersion")}
    exported = {**bare, "clusterName": "prod", "reportingComponent": "", "reportingInstance": ""}
    eventer = {
        "EventValue": json.dumps(core()),
        "EventTimestamp": "2026-03-01T10:05:00Z",
        "EventTags": {"eventID": "1"},
    }

    found = decode(
        items,
        {"kind": "EventList", "items": [bare, bare]},
        exported,
        {"type": "MODIFIED", "object": core()},
        {"verb": "ADDED", "event": bare, "old_event": None},
        eventer,
        {"type": "DELETED", "object": core()},
        {"type": "BOOKMARK", "object": {"kind": "Event", "apiVersion": "v1", "metadata": {"resourceVersion": "9"}}},
        {"kind": "EventList", "items": []},
    )

    assert [[one.table for one in several] for several in found] == [
        ["events", "quarantine"], ["events", "events"], ["events"], ["events"], ["events"], ["events"],
        ["ignored"], ["ignored"], ["ignored"],
    ]  # fmt: skip
    assert [several[-1].reason for several in found] == [
        "wrong_shape", None, None, None, None, None, "event_forgotten", "bookmark", "empty_records",
    ]  # fmt: skip
    assert found[2][0].resource_id == "k8s://prod/shop/pod/cart-0"
    assert found[3][0].attributes["type"] == "MODIFIED"
    assert found[5][0].attributes["EventTags"] == '{"eventID":"1"}'


def test_times_and_counts_that_are_null(decode: Decode) -> None:
    nulls = dict.fromkeys(("firstTimestamp", "lastTimestamp", "count"))
    again = {"count": 9, "lastObservedTime": "2026-03-01T11:00:00.000001Z"}

    [[only], [series], [written]] = decode(
        core(**nulls, eventTime="2026-03-01T10:00:00.5Z"),
        newer(series=again),
        core(**nulls, metadata={"creationTimestamp": "2026-03-01T09:00:00Z"}),
    )

    assert (only.event_time, only.occurrences) == (datetime(2026, 3, 1, 10, 0, 0, 500000), 1)
    assert (series.event_time, series.occurrences) == (datetime(2026, 3, 1, 11, 0, 0, 1), 9)
    assert written.event_time == datetime(2026, 3, 1, 9)


def test_what_cannot_be_used(decode: Decode) -> None:
    found = decode(
        core(lastTimestamp="soon", firstTimestamp=None),
        core(involvedObject={}),
        core(reason=""),
        core(involvedObject=None, regarding={"kind": "Job", "uid": "j-1"}),
        {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x"}},
        core(involvedObject={"kind": "Pod", "name": {"is": "p"}}),
        core(involvedObject={"kind": ["Pod"], "name": "p"}),
    )

    assert [one.reason for [one] in found] == [
        "bad_time", "no_resource", "no_action", None, "unknown_envelope", "wrong_shape", "wrong_shape",
    ]  # fmt: skip
    assert found[3][0].resource_id == "k8s://shop/job/j-1"


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=20)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(several=st.lists(st.tuples(names, names, st.integers(1, 2**63 - 1)), min_size=30, max_size=60))
def test_any_name_message_and_count(decode: Decode, several: list[tuple[str, str, int]]) -> None:
    items = [
        core(involvedObject={"kind": "Pod", "namespace": "n", "name": name}, message=message, count=count)
        for name, message, count in several
    ]

    [found] = decode({"kind": "List", "items": items})

    assert [(one.resource_id, one.message, one.occurrences) for one in found] == [
        (f"k8s://n/pod/{name}", message, count) for name, message, count in several
    ]
