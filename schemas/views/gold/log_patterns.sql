-- Which kinds of log messages are new, which are frequent, and which have gone quiet?
-- of silver.log_patterns
--
-- A row a pattern. Counts are kept from its first record to its last, so `records_per_day` is the mean of those days.
-- Days are UTC. Severity in the words of OpenTelemetry.
SELECT
    p.pattern_id,
    p.template,
    p.source,
    p.logger,
    CASE WHEN p.severity_number >= 21 THEN 'FATAL' WHEN p.severity_number >= 17 THEN 'ERROR'
         WHEN p.severity_number >= 13 THEN 'WARN' WHEN p.severity_number >= 9 THEN 'INFO'
         WHEN p.severity_number >= 5 THEN 'DEBUG' WHEN p.severity_number >= 1 THEN 'TRACE' END AS severity,
    cast(p.first_seen AS date) AS first_day,
    cast(p.last_seen AS date) AS last_day,
    extract(DAY FROM date_trunc('day', p.last_seen) - date_trunc('day', p.first_seen)) + 1 AS days_seen,
    p.count AS records,
    cast(p.count AS double) / (extract(DAY FROM date_trunc('day', p.last_seen) - date_trunc('day', p.first_seen)) + 1) AS records_per_day,
    p.resources,
    p.example,
    p.updated_at
FROM {base} p
