-- What could not be taken into silver, why, how much of it in each hour, and how much was put right since?
-- of silver.quarantine
--
-- Counts alone: the records themselves may hold anything, and stay in silver.
SELECT
    date_trunc('hour', q.ingest_time) AS hour,
    q.topic,
    q.source,
    q.reason,
    count(*) AS items,
    count(q.resolved_at) AS resolved,
    max(q.ingest_time) AS latest
FROM {base} q
GROUP BY date_trunc('hour', q.ingest_time), q.topic, q.source, q.reason
