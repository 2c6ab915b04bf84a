"""prometheus-kafka-adapter, JSON: one sample a Kafka value, everything in it a string, no partition key.

Format: schemas/metric.avsc and serializers.go of Telefonica/prometheus-kafka-adapter: labels sorted by name (Go maps
are written so), whole seconds, values in Go's shortest decimal form with NaN and ±Inf as words.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from pipelines.local.simulator.fleet import Host, identity
from pipelines.local.simulator.metric import Metric
from pipelines.local.simulator.report import Payload, Report, TextWriter


class PrometheusWriter(TextWriter):
    records_per_value = (1, 2)

    def __init__(self, hosts: Sequence[Host]) -> None:
        self._openings = [_opening(host, metric) for host in hosts for metric in host.metrics]

    def rows(self, report: Report) -> list[str]:
        seconds: list[str] = np.datetime_as_string(report.times_ms.astype("datetime64[ms]"), unit="s").tolist()
        middles = [f'{second}Z","value":"' for second in seconds]
        values = [f"{value:.15g}" for value in report.values.tolist()]
        for place in np.flatnonzero(np.isnan(report.values)).tolist():
            values[place] = "NaN"
        return [
            f'{opening}{middles[owner]}{value}"}}'
            for opening, owner, value in zip(
                self._openings[report.first_series : report.last_series], report.owner, values, strict=True
            )
        ]

    def wrap(self, rows: Sequence[str]) -> Payload:
        return Payload(rows[0].encode())


def _opening(host: Host, metric: Metric) -> str:
    labels = {"__name__": metric.name, "cluster": host.account, "job": metric.namespace, **dict(metric.labels)}
    pod = f"api-{identity(0, 'pod', host.name).hex[:10]}"
    if metric.namespace == "node":
        labels |= {"instance": f"{host.address}:9100", "node": host.name}
    elif metric.namespace == "kube-state-metrics":
        labels |= {"instance": f"kube-state-metrics.{host.account}:8080", "node": host.name}
        if metric.name.startswith("kube_pod"):
            labels |= {"namespace": "shop", "pod": pod}
    else:
        labels |= {"instance": f"{host.address}:8080", "namespace": "shop", "pod": pod}
    labels = dict(sorted(labels.items()))
    return f'{{"labels":{json.dumps(labels, separators=(",", ":"))},"name":"{metric.name}","timestamp":"'
