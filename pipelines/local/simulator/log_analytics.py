"""Log Analytics data export, `am-<Table>`: `{"records":[…]}`, null columns left out, no partition key.

Columns: learn.microsoft.com/azure/azure-monitor/reference/tables/heartbeat and …/perf. Envelope: "Log Analytics
workspace data export". A value with a single row sometimes comes without the envelope.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from pipelines.local.simulator.fleet import Host, Kind, identity
from pipelines.local.simulator.metric import Metric
from pipelines.local.simulator.report import Payload, Report, TextWriter, time_texts


def wrap_records(rows: Sequence[str]) -> Payload:
    text = rows[0] if len(rows) == 1 else '{"records":[' + ",".join(rows) + "]}"
    return Payload(text.encode())


class ItemIds:
    """`_ItemId`s: random groups drawn anew for each report, then a running number, so none comes twice."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._next = 1

    def take(self, count: int) -> list[str]:
        text = self._rng.bytes(8).hex()
        prefix = f"{text[:8]}-{text[8:12]}-4{text[12:15]}-a{text[13:16]}-"
        first, self._next = self._next, self._next + count
        return [f"{prefix}{number:012x}" for number in range(first, first + count)]


def _opening(host: Host, tenant: str) -> str:
    system = "OpsManager" if host.windows else "Linux"
    return f'{{"TenantId":"{tenant}","SourceSystem":"{system}","TimeGenerated":"'


def _closing(host: Host, workspace: str) -> str:
    return f'","_ResourceId":"{host.resource_id}","_Internal_WorkspaceResourceId":"{workspace}"}}'


def _workspace(seed: int) -> str:
    subscription = identity(seed, "subscription", "platform")
    group = f"/subscriptions/{subscription}/resourcegroups/rg-platform-logs"
    return f"{group}/providers/microsoft.operationalinsights/workspaces/law-estate"


def _below_milliseconds(host: Host) -> str:
    """The last four of the seven digits of TimeGenerated: 100 ns ticks on most machines, zeros on some."""
    return "0000" if host.number % 3 == 0 else f"{host.number * 7919 % 1000:03d}0"


class HeartbeatWriter(TextWriter):
    """One row a machine and minute, only while its agent lives."""

    records_per_value = (10, 40)

    def __init__(self, hosts: Sequence[Host], tenant: str, seed: int, rng: np.random.Generator) -> None:
        workspace = _workspace(seed)
        self._ids = ItemIds(rng)
        self._openings = [_opening(host, tenant) for host in hosts]
        self._middles = [_heartbeat_middle(host, seed) for host in hosts]
        self._closings = [_closing(host, workspace) for host in hosts]

    def rows(self, report: Report) -> list[str]:
        part = slice(report.first_host, report.last_host)
        return [
            f"{opening}{time}{middle}{item_id}{closing}"
            for opening, time, middle, item_id, closing in zip(
                self._openings[part],
                time_texts(report.times_ms),
                self._middles[part],
                self._ids.take(report.last_host - report.first_host),
                self._closings[part],
                strict=True,
            )
        ]

    def wrap(self, rows: Sequence[str]) -> Payload:
        return wrap_records(rows)


def _heartbeat_middle(host: Host, seed: int) -> str:
    arc = host.kind is Kind.ARC
    parts = host.resource_id.split("/")  # ['', 'subscriptions', id, 'resourcegroups', group, …]
    provider, kind = ("Microsoft.HybridCompute", "machines") if arc else ("Microsoft.Compute", "virtualMachines")
    system = (
        ("Windows", "Windows Server 2022 Datacenter", "10", "0", "1.34.0.0")
        if host.windows
        else (("Linux", "Ubuntu", "22", "04", "1.35.2"), ("Linux", "Red Hat Enterprise Linux", "9", "4", "1.33.4"))[
            host.number % 2
        ]
    )
    row: dict[str, object] = {
        "Computer": host.name,
        "ComputerIP": f"198.51.100.{host.number % 250 + 1}",
        "ComputerPrivateIPs": [host.address],
        "Category": "Azure Monitor Agent",
        "OSType": system[0],
        "OSName": system[1],
        "OSMajorVersion": system[2],
        "OSMinorVersion": system[3],
        "Version": system[4],
        "SCAgentChannel": "Direct",
        "ComputerEnvironment": "Non-Azure" if arc else "Azure",
        "RemoteIPCountry": host.site.country,
        "RemoteIPLatitude": host.site.latitude,
        "RemoteIPLongitude": host.site.longitude,
        "Resource": host.name,
        "ResourceGroup": parts[4],
        "ResourceId": f"/subscriptions/{parts[2]}/resourceGroups/{parts[4]}/providers/{provider}/{kind}/{host.name}",
        "ResourceProvider": provider,
        "ResourceType": kind,
        "SubscriptionId": host.account,
        "Solutions": '"azureMonitor"',
        "VMUUID": str(identity(seed, "vm", host.name)),
        "Type": "Heartbeat",
    }
    return f'{_below_milliseconds(host)}Z",{_members(row)},"_ItemId":"'


class PerfWriter(TextWriter):
    """One row a counter, instance and minute."""

    records_per_value = (20, 60)

    def __init__(self, hosts: Sequence[Host], tenant: str, seed: int, rng: np.random.Generator) -> None:
        workspace = _workspace(seed)
        self._ids = ItemIds(rng)
        self._openings = [_opening(host, tenant) for host in hosts]
        self._befores = [_perf_before(host, metric) for host in hosts for metric in host.metrics]
        self._afters = [_perf_after(host, metric) for host in hosts for metric in host.metrics]
        self._closings = [_closing(host, workspace) for host in hosts]

    def rows(self, report: Report) -> list[str]:
        hosts = slice(report.first_host, report.last_host)
        part = slice(report.first_series, report.last_series)
        openings = [
            opening + time for opening, time in zip(self._openings[hosts], time_texts(report.times_ms), strict=True)
        ]
        closings = self._closings[hosts]
        return [
            f"{openings[owner]}{before}{value:.15g}{after}{item_id}{closings[owner]}"
            for owner, before, value, after, item_id in zip(
                report.owner,
                self._befores[part],
                report.values.tolist(),
                self._afters[part],
                self._ids.take(len(report.values)),
                strict=True,
            )
        ]

    def wrap(self, rows: Sequence[str]) -> Payload:
        return wrap_records(rows)


def _perf_before(host: Host, metric: Metric) -> str:
    row = {"Computer": host.name, "ObjectName": metric.namespace, "CounterName": metric.name}
    if metric.instance is not None:
        row["InstanceName"] = metric.instance
    return f'{_below_milliseconds(host)}Z",{_members(row)},"CounterValue":'


def _perf_after(host: Host, metric: Metric) -> str:
    instance = "" if metric.instance is None else f"({metric.instance})"
    row = {"CounterPath": f"\\\\{host.name}\\{metric.namespace}{instance}\\{metric.name}", "Type": "Perf"}
    return f',{_members(row)},"_ItemId":"'


def _members(row: object) -> str:
    """The members of a JSON object without its braces."""
    return json.dumps(row, separators=(",", ":"))[1:-1]
