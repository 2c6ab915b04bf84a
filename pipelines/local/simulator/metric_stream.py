"""CloudWatch Metric Streams, JSON output 1.0: one object a metric and period, a line each, many in one Kafka value.

Format: docs.aws.amazon.com, "CloudWatch metric stream output in JSON format". Timestamps are epoch milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from pipelines.local.simulator.fleet import Host, Kind
from pipelines.local.simulator.metric import Metric
from pipelines.local.simulator.report import Payload, Report, TextWriter

_DIMENSION = {Kind.EC2: "InstanceId", Kind.RDS: "DBInstanceIdentifier", Kind.ALB: "LoadBalancer"}
# How far p50, p90, p99 and the maximum of a latency lie from its average.
_QUANTILES = (0.82, 1.7, 2.9, 4.5)


class MetricStreamWriter(TextWriter):
    """Statistic sets; latencies carry percentiles, as a stream with additional statistics is set to send."""

    records_per_value = (40, 160)

    def __init__(self, hosts: Sequence[Host], rng: np.random.Generator) -> None:
        metrics = [metric for host in hosts for metric in host.metrics]
        self._rng = rng
        self._openings = [_opening(host, metric) for host in hosts for metric in host.metrics]
        self._closings = [f'}},"unit":{json.dumps(metric.unit)}}}\n' for metric in metrics]
        self._samples = np.array([metric.samples for metric in metrics], dtype=np.float64)
        self._high = np.array([metric.high for metric in metrics])
        self._percentiles = np.array([metric.percentiles for metric in metrics], dtype=np.bool_)

    def rows(self, report: Report) -> list[str]:
        part = slice(report.first_series, report.last_series)
        mean, count = report.values, self._samples[part]
        several, latency = count > 1, self._percentiles[part]
        spread = np.where(several, 0.35 * self._rng.random(len(mean)), 0.0)
        maximum = np.minimum(mean * np.where(latency, _QUANTILES[3], 1 + spread), self._high[part])
        minimum = mean * np.where(latency, 0.2, 1 - spread)
        extras = [""] * len(mean)
        for place in np.flatnonzero(latency).tolist():
            p50, p90, p99 = (round(float(mean[place]) * factor, 6) for factor in _QUANTILES[:3])
            extras[place] = f',"p50":{p50},"p90":{p90},"p99":{p99}'
        # Whole seconds, as CloudWatch has it.
        times = (report.times_ms // 1000 * 1000).tolist()
        return [
            f'{opening}{times[owner]},"value":{{"count":{n},"sum":{total},"max":{top},"min":{bottom}{extra}{closing}'
            for opening, owner, n, total, top, bottom, extra, closing in zip(
                self._openings[part],
                report.owner,
                count.tolist(),
                np.round(mean * count, 6).tolist(),
                np.round(maximum, 6).tolist(),
                np.round(minimum, 6).tolist(),
                extras,
                self._closings[part],
                strict=True,
            )
        ]

    def wrap(self, rows: Sequence[str]) -> Payload:
        return Payload("".join(rows).encode())


def _opening(host: Host, metric: Metric) -> str:
    row = {
        "metric_stream_name": "estate-metrics",
        "account_id": host.account,
        "region": host.region,
        "namespace": metric.namespace,
        "metric_name": metric.name,
        "dimensions": {_DIMENSION[host.kind]: host.name, **dict(metric.labels)},
    }
    return json.dumps(row, separators=(",", ":"))[:-1] + ',"timestamp":'
