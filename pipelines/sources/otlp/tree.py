"""OTLP JSON is a tree: resources hold scopes, which hold what was recorded. This takes the first two levels apart.

Each step makes an array of its own, so that what all points of a resource share is computed once: what a lambda names
is computed for each element.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.otlp.values import attributes_of
from pipelines.sources.reading.hoist import once
from pipelines.sources.reading.variant import elements, joined, member, rest

_SHARED = ("resource", "scope", "besides", "misshapen")
_SCOPE = ("scope", "instrumentationLibrary", "instrumentation_library")


@dataclass(frozen=True)
class Names:
    """What the levels are called, in any version and spelling of the format."""

    resources: tuple[str, ...]
    scopes: tuple[str, ...]
    leaves: tuple[str, ...]


def is_tree(record: Column, names: Names) -> Column:
    """Whether the record is such a tree, or one of its resources alone."""
    return member(record, *names.resources, *names.scopes).isNotNull()


def leaves_of(record: Column, names: Names) -> Column:
    """What scopes hold, as structs of resource and scope (variants), besides (map), leaf and misshapen (variants).

    `besides` is what resource and scope have besides attributes. Where something holds nothing, there is one leaf of
    null, so that nothing is lost; `misshapen` is what is of a wrong shape, if that is why."""
    is_one_resource = member(record, *names.resources).isNull()
    resources = F.when(is_one_resource, F.array(record)).otherwise(children(record, *names.resources))
    wrong = F.when(~is_one_resource, misshapen(record, F.lit(None).cast("variant"), *names.resources))
    in_scopes = F.transform(resources, lambda resource: _scopes_of(resource, wrong, names))
    in_leaves = F.transform(F.flatten(in_scopes), lambda scope: _leaves_of_scope(scope, names))
    return F.flatten(in_leaves)


def described(leaf: Column) -> tuple[Column, Column, Column]:
    """One of `leaves_of` → what is known of its resource, of its scope, and besides: maps for a part, of these names.

    An expression of its own for each leaf: Spark's analysis takes no longer chain of nested ones.
    """
    scope = joined(attributes_of(leaf["scope"]), rest(leaf["scope"], "attributes"))
    return (
        attributes_of(leaf["resource"]).alias("resource"),
        prefixed("otel.scope.", scope).alias("scope"),
        leaf["besides"].alias("besides"),
    )


def children(record: Column, *names: str) -> Column:
    """The elements of the first list there is of these names; without one, one of null."""
    found = elements(record, *names)
    return F.when(F.size(found) > 0, found).otherwise(F.array(F.lit(None).cast("variant")))


def misshapen(record: Column, known: Column, *names: str) -> Column:
    """`known`, or the record if it has no children by these names because it is no object, or they are no list."""
    found = member(record, *names)
    is_wrong = found.isNotNull() & elements(record, *names).isNull()
    return F.coalesce(known, F.when(is_wrong, record), F.when(found.isNull(), no_object(record)))


def no_object(record: Column) -> Column:
    """The record if it is no object. One that is not there at all is not misshapen."""
    return F.when(~F.startswith(F.schema_of_variant(record), F.lit("OBJECT")), record)


def _scopes_of(resource: Column, known: Column, names: Names) -> Column:
    about = member(resource, "resource")
    besides = joined(rest(resource, "resource", *names.scopes), rest(about, "attributes", "labels"))
    shared = F.struct(
        about.alias("resource"),
        prefixed("resource.", besides).alias("besides"),
        F.coalesce(misshapen(resource, known, *names.scopes), no_object(about)).alias("misshapen"),
    )

    def with_scopes(of: Column) -> Column:
        return F.transform(
            children(resource, *names.scopes), lambda scope: F.struct(of.alias("of"), scope.alias("holder"))
        )

    return once(shared, with_scopes)


def _leaves_of_scope(one: Column, names: Names) -> Column:
    holder, above = one["holder"], one["of"]
    own = prefixed("otel.scope.", rest(holder, *_SCOPE, *names.leaves))
    shared = F.struct(
        above["resource"].alias("resource"),
        member(holder, *_SCOPE).alias("scope"),
        joined(above["besides"], own).alias("besides"),
        F.coalesce(misshapen(holder, above["misshapen"], *names.leaves), no_object(member(holder, *_SCOPE))).alias(
            "misshapen"
        ),
    )

    def with_leaves(of: Column) -> Column:
        return F.transform(
            children(holder, *names.leaves),
            lambda leaf: F.struct(*(of[name].alias(name) for name in _SHARED), leaf.alias("leaf")),
        )

    return once(shared, with_leaves)


def prefixed(prefix: str, entries: Column) -> Column:
    return F.transform_keys(entries, lambda key, _: F.concat(F.lit(prefix), key))
