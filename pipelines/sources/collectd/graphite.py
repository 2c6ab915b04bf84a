"""Graphite's plaintext protocol, of collectd's write_kafka (Format Graphite): a line `path value time` for a sample.

https://graphite.readthedocs.io/en/latest/feeding-carbon.html#the-plaintext-protocol
A path has no names for its steps. collectd writes host.plugin.type, behind the prefix that it is given.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.hoist import once
from pipelines.sources.reading.lines import lines_of, text_of
from pipelines.sources.reading.times import epoch_to_time
from pipelines.sources.reading.values import to_number
from pipelines.sources.reading.variant import none_if_empty
from pipelines.sources.record_family import RecordFamily
from pipelines.sources.rows import Metric

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?i:nan|inf(?:inity)?)"
# Tags follow the path: `disk.used;server=web01;rack=a`. A name of Prometheus has no dot.
_PATH = r"[^\s.;{}\"]+(?:\.[^\s.;{}\"]+)++"
_LINE = rf"^[ \t]*({_PATH})((?:;[^\s;=]+=[^\s;]*)*+)[ \t]+({_NUMBER})[ \t]+(\d{{10}}(?:\.\d+)?)[ \t\r]*$"
# What collectd and others are told to write before the host.
_PREFIXES = ("collectd", "graphite", "servers", "hosts", "metrics", "stats")

# collectd's plugins that measure: a host's name may have dots in it, and ends before the one of these.
_PLUGINS = (
    "aggregation", "amqp", "apache", "apcups", "battery", "bind", "buddyinfo", "ceph", "cgroups", "chrony", "conntrack",
    "contextswitch", "cpu", "cpufreq", "cpusleep", "curl_json", "curl_xml", "dbi", "df", "disk", "dns", "drbd",
    "entropy", "ethstat", "exec", "fhcount", "filecount", "fscache", "gps", "hugepages", "infiniband", "intel_rdt",
    "interface", "ipmi", "iptables", "ipvs", "irq", "java", "libvirt", "load", "madwifi", "mcelog", "memcached",
    "memory", "modbus", "mysql", "netlink", "nfs", "nginx", "ntpd", "numa", "openldap", "openvpn", "pcie_errors",
    "ping", "postgresql", "powerdns", "processes", "protocols", "python", "redis", "sensors", "serial", "smart", "snmp",
    "statsd", "swap", "table", "tail", "tail_csv", "tcpconns", "thermal", "turbostat", "uptime", "users", "varnish",
    "virt", "vmem", "vserver", "wireless", "xencpu", "zfs_arc", "zookeeper",
)  # fmt: skip


def is_plaintext(record: Column, topic: Column) -> Column:
    """By a line of it, as the first may be the one that is spoilt."""
    return F.coalesce(F.rlike(text_of(record), F.lit(f"(?m){_LINE}")), F.lit(0) == 1)


def decode(record: Column, part: Column, topic: Column) -> Metric:
    path, tags, value, at = (_group(part, group) for group in range(1, 5))
    steps = F.split(path, r"\.")
    is_prefixed = F.get(steps, 0).isin(*_PREFIXES) & (F.size(steps) > 2)
    behind = F.when(is_prefixed, F.slice(steps, 2, F.greatest(F.size(steps) - 1, F.lit(0)))).otherwise(steps)
    tagged = _tags(tags)
    in_path = once(behind, _steps_of_host)
    host = F.lower(F.coalesce(tagged["host"], tagged["server"], F.array_join(F.slice(behind, F.lit(1), in_path), ".")))
    has_host_in_path = tagged["host"].isNull() & tagged["server"].isNull()
    own = F.when(has_host_in_path, F.slice(behind, in_path + 1, F.size(behind))).otherwise(behind)
    return Metric(
        source=F.lit("graphite"),
        event_time=epoch_to_time(at),
        resource_id=host,
        resource_type=F.lit("host"),
        host_name=host,
        namespace=F.get(own, 0),
        metric=F.array_join(own, "."),
        value=to_number(value),
        dimensions=none_if_empty(tagged),
        attributes=F.create_map(F.lit("path"), path),
        unusable=F.when(path.isNull(), "malformed_line"),
        ignored=F.when(F.isnan(to_number(value)), "no_data_points"),
    )


def _steps_of_host(steps: Column) -> Column:
    """How many: those before a plugin's name, `cpu-0` or `cpu`. One if there is none, or it would be the host."""
    places = F.transform(
        steps, lambda step, place: F.when((place > 0) & F.substring_index(step, "-", 1).isin(*_PLUGINS), place)
    )
    return F.coalesce(F.array_min(places), F.lit(1))


def _group(part: Column, group: int) -> Column:
    """Null for a line that is of another format."""
    return F.nullif(F.regexp_extract(text_of(part), _LINE, group), F.lit(""))


def _tags(written: Column) -> Column:
    """`;a=b;c=d` → map."""
    found = F.filter(F.split(written, ";"), lambda tag: tag != "")
    entries = F.transform(
        found, lambda tag: F.struct(F.substring_index(tag, "=", 1), F.regexp_replace(tag, "^[^=]*=", ""))
    )
    return F.map_from_entries(entries)


FAMILIES = (RecordFamily("graphite", is_plaintext, Metric, decode, parts=lines_of),)
