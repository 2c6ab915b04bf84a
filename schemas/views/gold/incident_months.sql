-- How many incidents were there in each month, how long did it take to detect them (MTTD), and how long to resolve them (MTTR)?
-- of gold.incidents
--
-- By the month in which they began; severity `all` is all of them together. Open incidents have no time to resolve yet.
SELECT
    cast(date_trunc('month', i.day) AS date) AS month,
    coalesce(i.severity, 'all') AS severity,
    count(*) AS incidents,
    sum(CASE WHEN i.status = 'open' THEN 1 ELSE 0 END) AS still_open,
    avg(i.time_to_detect_seconds) AS mean_time_to_detect_seconds,
    median(i.time_to_detect_seconds) AS median_time_to_detect_seconds,
    avg(i.time_to_resolve_seconds) AS mean_time_to_resolve_seconds,
    median(i.time_to_resolve_seconds) AS median_time_to_resolve_seconds
FROM {base} i
GROUP BY GROUPING SETS ((cast(date_trunc('month', i.day) AS date), i.severity), (cast(date_trunc('month', i.day) AS date)))
