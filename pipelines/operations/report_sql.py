"""The questions of the demo's last page, in DuckDB's SQL."""

from __future__ import annotations

_FAMILY = """CASE WHEN source LIKE 'azure.log_analytics%' THEN 'Azure Log Analytics'
    WHEN source LIKE 'aws.%' THEN 'AWS CloudWatch'
    WHEN source LIKE 'prometheus%' THEN 'Prometheus'
    WHEN source LIKE 'telemetry.%' THEN 'Own agents (Avro)'
    ELSE source END"""

_PLACED = f"""placed AS (
    SELECT topic, kafka_timestamp, {_FAMILY} AS family, false AS is_bad FROM silver.metrics
    UNION ALL
    SELECT topic, kafka_timestamp, {_FAMILY}, false FROM silver.heartbeats
    UNION ALL
    SELECT topic, kafka_timestamp, NULL, true FROM silver.quarantine
)"""

ARRIVALS = f"""WITH {_PLACED}, kept AS (
    SELECT topic, min(family) AS family, count(*) FILTER (NOT is_bad) AS silver, count(*) FILTER (is_bad) AS bad
    FROM placed GROUP BY topic
), arrived AS (
    SELECT topic, count(*) AS "values", coalesce(sum(octet_length("value")), 0)::BIGINT AS bytes,
        min(kafka_timestamp) AS "first", max(kafka_timestamp) AS "last"
    FROM bronze.telemetry GROUP BY topic
)
SELECT topic, coalesce(family, 'not recognised'), "values", bytes, coalesce(silver, 0), coalesce(bad, 0),
    "first", "last"
FROM arrived LEFT JOIN kept USING (topic) ORDER BY coalesce(silver, 0) DESC, topic"""

ARRIVALS_OVER_TIME = f"""WITH {_PLACED}
SELECT coalesce(family, 'quarantined') AS family, time_bucket(to_seconds($seconds), kafka_timestamp) AS bucket, count(*)
FROM placed WHERE NOT is_bad GROUP BY ALL ORDER BY 1, 2"""

QUARANTINED = """
SELECT reason, any_value(message), count(*), list_sort(list(DISTINCT topic)),
    arg_min(raw, octet_length(raw)) FILTER (octet_length(raw) > 0)
FROM silver.quarantine GROUP BY reason ORDER BY count(*) DESC, reason"""

AGENTS = """
SELECT resource_id, coalesce(host_name, resource_id), state, last_heartbeat, state_since, downtime_seconds,
    closed_downtime_seconds, as_of
FROM gold.agent_health
ORDER BY CASE state WHEN 'silent' THEN 0 WHEN 'late' THEN 1 ELSE 2 END,
    downtime_seconds DESC, last_heartbeat, host_name"""

# A gap is worth seeing when two and a half heartbeats that most agents would have sent are missing from it.
HEARTBEAT_RUNS = """WITH beats AS (
    SELECT DISTINCT resource_id, event_time FROM silver.heartbeats
), spaced AS (
    SELECT *, epoch(event_time - lag(event_time) OVER (PARTITION BY resource_id ORDER BY event_time)) AS gap FROM beats
), usual AS (
    SELECT coalesce(median(gap), 60) AS seconds FROM spaced
), numbered AS (
    SELECT resource_id, event_time, sum(coalesce(gap > 2.5 * seconds, false)::INT) OVER (
        PARTITION BY resource_id ORDER BY event_time ROWS UNBOUNDED PRECEDING
    ) AS run FROM spaced, usual
)
SELECT resource_id, min(event_time), max(event_time) FROM numbered GROUP BY resource_id, run ORDER BY 1, 2"""

# CPU in percent of a machine and minute, whatever its family says: two send a gauge; node_exporter sends seconds by
# mode, of which what is not idle is busy. A negative difference is a restart.
_CPU = f"""rollup AS (
    SELECT *, {_FAMILY} AS family,
        coalesce(host_name, regexp_replace(resource_id, '^arn:aws:[^:]*:[^:]*:[^:]*:', '')) AS host
    FROM gold.metric_rollup
    WHERE granularity = 'PT1M' AND (
        metric = 'CPUUtilization' OR metric = 'node_cpu_seconds_total'
        OR (metric = '% Processor Time' AND namespace LIKE 'Processor%'
            AND coalesce(dimensions['instance'], '_Total') = '_Total')
    )
), deltas AS (
    SELECT family, host, window_start, dimensions['mode'] AS mode,
        mean - lag(mean) OVER (PARTITION BY series_id ORDER BY window_start) AS seconds
    FROM rollup WHERE metric = 'node_cpu_seconds_total'
), cpu AS (
    SELECT family, host, window_start, avg(mean) AS percent
    FROM rollup WHERE metric <> 'node_cpu_seconds_total' GROUP BY ALL
    UNION ALL
    SELECT family, host, window_start,
        100 * (1 - coalesce(sum(seconds) FILTER (mode = 'idle'), 0) / sum(seconds))
    FROM deltas WHERE seconds >= 0 GROUP BY ALL HAVING sum(seconds) > 0
)"""

BUSIEST = f"""WITH {_CPU}
SELECT host, family, avg(percent), max(percent), arg_max(window_start, percent), count(*)
FROM cpu WHERE percent IS NOT NULL GROUP BY host, family ORDER BY 3 DESC, host LIMIT $hosts"""

CPU_BAND = f"""WITH {_CPU}
SELECT window_start, quantile_cont(percent, 0.5), quantile_cont(percent, 0.95), count(DISTINCT host)
FROM cpu WHERE percent IS NOT NULL GROUP BY window_start ORDER BY window_start"""
