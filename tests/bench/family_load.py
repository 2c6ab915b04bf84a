"""One Kafka value of each family, as a template that Spark fills a hundred thousand times.

In a template `@N` is a number that no other record has, `@T` a time in ISO 8601 and `@M` the same in milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

START_MS = 1_790_000_000_000
_VM = "/subscriptions/6b1f/resourcegroups/rg/providers/microsoft.hybridcompute/machines/arc-@N"


@dataclass(frozen=True)
class FamilyLoad:
    """`record` is repeated `records` times in a value and `wrap` makes the value of them."""

    name: str
    topic: str
    record: str
    records: int = 1
    join: str = ","
    head: str = ""
    tail: str = ""

    @property
    def is_json(self) -> bool:
        return (self.head + self.record).startswith(("{", "["))

    def value(self) -> Column:
        """The text of value number `id`."""
        number = F.col("id") * self.records
        return F.concat(F.lit(self.head), F.concat_ws(self.join, *self._filled(number)), F.lit(self.tail))

    def sample(self) -> str:
        """A value as text, to infer a schema from."""
        text = self.head + self.join.join([self.record] * min(self.records, 2)) + self.tail
        return text.replace("@N", "1").replace("@M", str(START_MS)).replace("@T", "2026-09-21T14:13:20.000Z")

    def bronze_rows(self, spark: SparkSession, records: int) -> DataFrame:
        """`records` records as rows of bronze.telemetry."""
        values = spark.range(0, records // self.records, numPartitions=4)
        return as_bronze(values, self.value().cast("binary"), self.topic)

    def parsed(self, rows: DataFrame) -> DataFrame:
        """What reading takes at least: from_json with the value's own schema; lines of text are only split."""
        return rows.select("topic", "partition", "offset", self._read(F.col("value").cast("string")).alias("read"))

    def _read(self, text: Column) -> Column:
        if not self.is_json:
            return F.split(text, "\n")
        if self.join == "\n":
            listed = replace(self, head="[", tail="]", join=",")
            text = F.concat(F.lit("["), F.replace(text, F.lit("\n"), F.lit(",")), F.lit("]"))
            return F.from_json(text, F.schema_of_json(F.lit(listed.sample())))
        return F.from_json(text, F.schema_of_json(F.lit(self.sample())))

    def _filled(self, number: Column) -> list[Column]:
        filled = []
        for place in range(self.records):
            own = number + place
            at = F.timestamp_millis(F.lit(START_MS) + own)
            text = F.replace(F.lit(self.record), F.lit("@N"), own.cast("string"))
            if "@T" in self.record:
                text = F.replace(text, F.lit("@T"), F.date_format(at, "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"))
            if "@M" in self.record:
                text = F.replace(text, F.lit("@M"), (F.lit(START_MS) + own).cast("string"))
            filled.append(text)
        return filled


def as_bronze(numbers: DataFrame, value: Column, topic: str) -> DataFrame:
    """Rows of bronze.telemetry, one for each `id`."""
    return numbers.select(
        F.lit(None).cast("binary").alias("key"),
        value.alias("value"),
        F.lit(None).cast("array<struct<key: string, value: binary>>").alias("headers"),
        F.lit(topic).alias("topic"),
        F.lit(0).alias("partition"),
        F.col("id").alias("offset"),
        F.current_timestamp().alias("kafka_timestamp"),
        F.current_timestamp().alias("ingest_time"),
    )


def _json(**members: Any) -> str:
    return json.dumps(members, separators=(",", ":")).replace('"@M"', "@M").replace('"#@M"', '"@M"')


def _rows(table: str, **members: Any) -> FamilyLoad:
    row = _json(
        TenantId="9d1c",
        TimeGenerated="@T",
        Computer="host-@N",
        Type=table,
        _ItemId="item-@N",
        _ResourceId=_VM,
        **members,
    )
    return FamilyLoad(f"Log Analytics {table}", f"am-{table}", row, 20, head='{"records":[', tail="]}")


_POINT: Callable[[], dict[str, Any]] = lambda: {  # noqa: E731
    "attributes": [{"key": "cpu", "value": {"stringValue": "@N"}}],
    "timeUnixNano": "1790000000000000000",
    "asDouble": 0.5,
}
_OTLP_RESOURCE = (
    '{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"h-1"}},'
    '{"key":"service.name","value":{"stringValue":"shop"}}]},'
)

LOADS: tuple[FamilyLoad, ...] = (
    _rows("Perf", ObjectName="Processor", CounterName="% Processor Time", InstanceName="_Total", CounterValue=42.5),
    _rows("Heartbeat", OSType="Linux", Version="1.35.2", Category="Azure Monitor Agent"),
    _rows("InsightsMetrics", Namespace="Memory", Name="AvailableMB", Val=612.5, Tags='{"vm.azm.ms/memorySizeMB":16000}'),
    _rows("Syslog", Facility="daemon", SeverityLevel="info", ProcessName="sshd", ProcessID=7, SyslogMessage="session @N opened"),
    _rows("Event", EventLog="System", EventLevelName="Warning", EventID=10016, Source="DCOM", RenderedDescription="denied @N"),
    _rows("ConfigurationData", ConfigDataType="Software", SoftwareName="openssl", CurrentVersion="3.0.@N", Publisher="Debian"),
    _rows("ConfigurationChange", ConfigChangeType="WindowsServices", ChangeCategory="Modified", FieldsChanged="SvcState",
          SvcName="svc-@N", SvcPreviousState="Running", SvcState="Stopped"),
    _rows("Update", Title="KB@N", UpdateState="Needed", Classification="Security Updates"),
    _rows("SecurityEvent", EventID=4625, Activity="4625 - failed to log on", Account="CORP\\u@N", IpAddress="10.0.0.7"),
    _rows("AzureActivity", CategoryValue="Administrative", OperationNameValue="MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE",
          Caller="a@example.com", ActivityStatusValue="Success", CorrelationId="c-@N"),
    FamilyLoad(
        "Azure platform metrics", "insights-metrics-pt1m",
        _json(time="@T", resourceId=_VM.upper().replace("@N", "@N"), metricName="Percentage CPU", timeGrain="PT1M", count=1,
              total=7.5, minimum=7.5, maximum=7.5, average=7.5), 20, head='{"records":[', tail="]}",
    ),
    FamilyLoad(
        "Azure activity log", "insights-activity-logs",
        _json(time="@T", resourceId=_VM, operationName="MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE", category="Administrative",
              resultType="Success", callerIpAddress="10.0.0.7", correlationId="c-@N", level="Information",
              identity={"claims": {"name": "Ada"}}, properties={"statusCode": "OK"}), 20, head='{"records":[', tail="]}",
    ),
    FamilyLoad(
        "Azure resource logs", "insights-logs-auditevent",
        _json(time="@T", resourceId=_VM, operationName="SecretGet", category="AuditEvent", resultType="Success", level="Informational",
              properties={"id": "https://vault/secrets/@N", "httpStatusCode": 200}), 20, head='{"records":[', tail="]}",
    ),
    FamilyLoad(
        "CloudWatch metric stream", "aws.metrics",
        _json(metric_stream_name="s", account_id="123456789012", region="eu-west-1", namespace="AWS/EC2",
              metric_name="CPUUtilization", dimensions={"InstanceId": "i-@N"}, timestamp="@M",
              value={"max": 2.5, "min": 0.5, "sum": 3.0, "count": 2.0}, unit="Percent"), 20, join="\n",
    ),
    FamilyLoad(
        "CloudWatch Logs", "aws.logs", _json(id="e@N", timestamp="@M", message="GET /orders/@N 200"), 20,
        head='{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/app/shop","logStream":"i-1",'
        '"subscriptionFilters":["all"],"logEvents":[', tail="]}",
    ),
    FamilyLoad(
        "EventBridge", "aws.events",
        _json(**{"version": "0", "id": "e-@N", "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
                 "account": "123456789012", "time": "@T", "region": "eu-west-1",
                 "resources": ["arn:aws:ec2:eu-west-1:123456789012:instance/i-@N"],
                 "detail": {"instance-id": "i-@N", "state": "running"}}),
    ),
    FamilyLoad(
        "CloudTrail", "aws.cloudtrail",
        _json(eventVersion="1.08", userIdentity={"type": "IAMUser", "userName": "ada", "accountId": "123456789012"},
              eventTime="@T", eventSource="ec2.amazonaws.com", eventName="RunInstances", awsRegion="eu-west-1",
              sourceIPAddress="10.0.0.7", requestParameters={"instanceType": "m5.large"}, eventID="t-@N",
              recipientAccountId="123456789012"), 20, head='{"Records":[', tail="]}",
    ),
    FamilyLoad(
        "Container Insights", "aws.containerinsights",
        _json(Type="Pod", ClusterName="c", Namespace="shop", PodName="p-@N", NodeName="ip-10-0-0-7", Timestamp="#@M", Version="0",
              pod_cpu_utilization=1.5, pod_memory_utilization=2.5, pod_network_rx_bytes=10.0, pod_network_tx_bytes=11.0),
    ),
    FamilyLoad(
        "OTLP metrics", "otlp_metrics",
        json.dumps(_POINT(), separators=(",", ":")).replace('"1790000000000000000"', '"@M000000"'), 20,
        head='{"resourceMetrics":[' + _OTLP_RESOURCE
        + '"scopeMetrics":[{"scope":{"name":"s"},"metrics":[{"name":"cpu.utilization","unit":"1","gauge":{"dataPoints":[',
        tail="]}}]}]}]}",
    ),
    FamilyLoad(
        "OTLP logs", "otlp_logs",
        '{"timeUnixNano":"@M000000","severityNumber":9,"severityText":"Info","body":{"stringValue":"order @N"},"attributes":[]}', 20,
        head='{"resourceLogs":[' + _OTLP_RESOURCE + '"scopeLogs":[{"scope":{"name":"s"},"logRecords":[', tail="]}]}]}",
    ),
    FamilyLoad(
        "Prometheus adapter", "prometheus.metrics",
        _json(timestamp="@T", value="0.75", name="node_load1", labels={"__name__": "node_load1", "instance": "n-@N:9100", "job": "node"}),
    ),
    FamilyLoad("node exporter", "prometheus.nodes", 'node_cpu_seconds_total{cpu="@N",mode="idle"} 12.5 @M', 50, join="\n", tail="\n"),
    FamilyLoad(
        "Kubernetes events", "k8s.events",
        _json(apiVersion="v1", kind="Event", metadata={"name": "p.@N", "namespace": "shop", "uid": "u-@N"},
              involvedObject={"kind": "Pod", "name": "p-@N", "namespace": "shop"}, reason="BackOff", message="Back-off restarting",
              source={"component": "kubelet", "host": "node-1"}, firstTimestamp="@T", lastTimestamp="@T", count=3, type="Warning"),
    ),
    FamilyLoad(
        "spot prices", "aws.spot",
        _json(AvailabilityZone="eu-west-1a", InstanceType="m5.large", ProductDescription="Linux/UNIX", SpotPrice="0.0@N", Timestamp="@T"),
        20, head='{"SpotPriceHistory":[', tail="]}",
    ),
    FamilyLoad(
        "FOCUS", "finops.focus",
        _json(BilledCost="1.25", EffectiveCost="1.25", ListCost="1.5", ContractedCost="1.25", BillingCurrency="USD",
              BillingAccountId="1", SubAccountId="2", BillingPeriodStart="2026-09-01T00:00:00Z", BillingPeriodEnd="2026-10-01T00:00:00Z",
              ChargePeriodStart="@T", ChargePeriodEnd="@T", ChargeCategory="Usage", ProviderName="AWS", ServiceName="EC2",
              ResourceId="i-@N", RegionId="eu-west-1", Tags='{"team":"shop"}'),
    ),
    FamilyLoad("syslog", "syslog", "<34>1 @T web-1 sshd 7 ID47 - session @N opened", 1),
    FamilyLoad(
        "collectd", "collectd",
        '{"values":[0.5,1.5],"dstypes":["derive","derive"],"dsnames":["rx","tx"],"time":1790000000.5,"interval":10.0,'
        '"host":"h-@N","plugin":"interface","plugin_instance":"eth0","type":"if_octets","type_instance":""}', 20, head="[", tail="]",
    ),
)  # fmt: skip
