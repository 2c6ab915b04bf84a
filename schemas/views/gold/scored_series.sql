-- How did a series behave, what was expected of it, and which of its values were anomalies?
-- of silver.anomaly_scores
--
-- What detectors said, without what only they need. Ask for a time range: the table is clustered by event_time and
-- resource_id, and a range reads its files alone.
SELECT
    s.resource_id,
    s.host_name,
    s.namespace,
    s.metric,
    s.series_id,
    s.detector,
    s.event_time,
    s.value,
    s.expected,
    s.lower,
    s.upper,
    s.anomaly_score,
    s.is_anomaly,
    s.top_contributors
FROM {base} s
