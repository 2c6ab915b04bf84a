-- How available was each service on each day, how much of its error budget is gone, and how many of its resources are not healthy?
-- of gold.resource_health
--
-- A resource counts for as long as it was expected to be there. Resources of which nobody knows when they are due
-- (state unknown) count among the resources and in nothing else.
SELECT
    h.day AS day,
    h.service AS service,
    count(*) AS resources,
    sum(CASE WHEN h.state = 'healthy' THEN 1 ELSE 0 END) AS healthy,
    sum(CASE WHEN h.state = 'degraded' THEN 1 ELSE 0 END) AS degraded,
    sum(CASE WHEN h.state = 'unavailable' THEN 1 ELSE 0 END) AS unavailable,
    1.0 - sum(CASE WHEN h.availability_ratio IS NOT NULL THEN h.downtime_seconds END)
        / nullif(sum(CASE WHEN h.availability_ratio IS NOT NULL THEN h.expected_seconds END), 0) AS availability_ratio,
    sum(h.downtime_seconds) AS downtime_seconds,
    sum(h.degraded_seconds) AS degraded_seconds,
    sum(h.anomalies) AS anomalies,
    sum(h.error_budget_seconds) AS error_budget_seconds,
    sum(CASE WHEN h.availability_ratio IS NOT NULL THEN h.downtime_seconds END)
        / nullif(sum(CASE WHEN h.availability_ratio IS NOT NULL THEN h.error_budget_seconds END), 0)
        AS error_budget_burned_ratio,
    sum(CASE WHEN h.availability_ratio IS NOT NULL THEN h.downtime_seconds END)
        / nullif(sum(CASE WHEN h.availability_ratio IS NOT NULL THEN h.expected_seconds * (1.0 - h.slo_target) END), 0)
        AS burn_rate
FROM {base} h
WHERE h.service IS NOT NULL
GROUP BY h.day, h.service
