"""Kubernetes events, of both versions: core/v1 and events.k8s.io/v1, as the API gives them and as exporters send them.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
An event is updated each time it happens again: the same uid comes with a higher count. Each state of it is a row.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.variant import (
    elements,
    integer,
    is_nested,
    member,
    merged,
    parse_whole,
    rest,
    text,
    time,
    word,
)
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Event

# Newest first: when it happened last, when it happened, when it happened first, when it was written down.
_TIMES = (
    "series.lastObservedTime", "lastTimestamp", "deprecatedLastTimestamp", "eventTime", "firstTimestamp",
    "deprecatedFirstTimestamp", "metadata.creationTimestamp",
)  # fmt: skip
_OBJECTS = ("involvedObject", "regarding")
_SOURCES = ("source", "deprecatedSource")
_CONTROLLERS = ("reportingController", "reportingComponent")
_CLUSTERS = ("clusterName", "cluster", "cluster_name", "metadata.clusterName")
_COUNTS = ("series.count", "count", "deprecatedCount")
_LISTS = ("List", "EventList")
_EVENT = ("object", "event")


def is_event(record: Column, topic: Column) -> Column:
    """An event, a list of some, or one in the envelope of a watch, of eventrouter or of kube-eventer."""
    items = elements(record, "items")
    has_events = F.exists(items, _looks_like_event) | ((word(record, "kind") == "EventList") & items.isNotNull())
    is_list = word(record, "kind").isin(*_LISTS) & has_events
    envelope = word(record, "type", "verb").isNotNull() & _looks_like_event(member(record, *_EVENT))
    return _looks_like_event(record) | is_list | envelope | member(record, "EventValue", "EventTags").isNotNull()


def events_of(record: Column) -> Column:
    value = member(record, "EventValue")
    inside = F.coalesce(parse_whole(text(record, "EventValue")), value)
    enveloped = F.coalesce(inside, F.when(~_looks_like_event(record), member(record, *_EVENT)))
    in_list = F.when(word(record, "kind").isin(*_LISTS), elements(record, "items"))
    return F.coalesce(in_list, F.array(F.coalesce(enveloped, record)))


def decode(record: Column, part: Column, topic: Column) -> Event:
    about, source = member(part, *_OBJECTS), member(part, *_SOURCES)
    kind, name = word(about, "kind"), word(about, "name")
    is_node = F.coalesce(kind, F.lit("")) == "Node"
    cluster = F.coalesce(word(part, *_CLUSTERS), word(record, *_CLUSTERS))
    namespace = F.coalesce(word(about, "namespace"), F.when(~is_node, word(part, "metadata.namespace")))
    place = F.concat_ws("/", cluster, namespace, F.lower(kind), F.coalesce(name, word(about, "uid")))
    controller = word(part, *_CONTROLLERS)
    # A kubelet is one on each node, and reports under the node's name.
    reporting_node = F.when(F.lower(controller) == "kubelet", word(part, "reportingInstance"))
    severity = word(part, "type")
    return Event(
        source=F.lit("kubernetes.event"),
        native_id=word(part, "metadata.uid"),
        event_time=time(part, *_TIMES),
        resource_id=F.when(F.coalesce(name, word(about, "uid")).isNotNull(), F.concat(F.lit("k8s://"), place)),
        resource_type=F.concat(F.lit("kubernetes/"), F.lower(kind)),
        host_name=F.lower(F.coalesce(word(source, "host"), reporting_node, F.when(is_node, name))),
        category=F.lit("kubernetes"),
        action=word(part, "reason", "action"),
        actor=F.coalesce(word(source, "component"), controller),
        outcome=F.when(F.lower(severity) == "warning", "failure"),
        reason=word(part, "reason"),
        message=text(part, "message", "note"),
        severity_text=severity,
        occurrences=F.coalesce(integer(part, *_COUNTS), F.lit(1)),
        attributes=merged(
            F.when(_is_envelope(record), rest(record, *_EVENT, "EventValue", "items", "kind", "apiVersion")),
            rest(part, "reason", "message", "note", "type"),
        ),
        unusable=F.when(~_looks_like_event(part) | is_nested(about, "kind", "name", "namespace", "uid"), "wrong_shape"),
        ignored=_why_ignored(record),
    )


def _looks_like_event(record: Column) -> Column:
    """It is about an object, and says why. The object of a broken one may be anything, so only its kind tells that."""
    is_about = member(record, *_OBJECTS).isNotNull() & (
        word(record, "reason", "message", "note").isNotNull() | member(record, "metadata").isNotNull()
    )
    api = F.coalesce(word(record, "apiVersion"), F.lit(""))
    is_named = (word(record, "kind") == "Event") & (api.isin("v1", "") | F.startswith(api, F.lit("events.k8s.io/")))
    return F.coalesce(is_about, F.lit(0) == 1) | F.coalesce(is_named, F.lit(0) == 1)


def _is_envelope(record: Column) -> Column:
    return ~_looks_like_event(record)


def _why_ignored(record: Column) -> Column:
    """A watch tells when the API server forgets an event, an hour later: nothing has happened then."""
    watched = F.when(_is_envelope(record), F.upper(word(record, "type", "verb")))
    is_empty = word(record, "kind").isin(*_LISTS) & (F.size(elements(record, "items")) == 0)
    return (
        F.when(watched == "DELETED", "event_forgotten")
        .when(watched == "BOOKMARK", "bookmark")
        .when(is_empty, "empty_records")
    )


FAMILIES = (RecordFamily("kubernetes.event", is_event, Event, decode, parts=events_of),)
