-- How well is the baseline kept as a whole, by account and day, weighted by how grave each control is?
-- of gold.compliance
--
-- A control of low severity weighs 1, medium 2, high 4, critical 8. A control without a resource in scope does not count.
SELECT
    c.day,
    c.account,
    sum(c.score * w.weight) / sum(w.weight) AS score,
    sum(c.score_before * CASE WHEN c.score_before IS NULL THEN NULL ELSE w.weight END)
        / sum(CASE WHEN c.score_before IS NULL THEN NULL ELSE w.weight END) AS score_before,
    count(*) AS controls,
    sum(CASE WHEN c.resources_drifted > 0 THEN 1 ELSE 0 END) AS controls_with_drift,
    sum(CASE WHEN c.resources_drifted > 0 AND c.severity = 'critical' THEN 1 ELSE 0 END) AS critical_controls_with_drift
FROM {base} c
JOIN (
    SELECT 'low' AS severity, 1 AS weight UNION ALL SELECT 'medium', 2 UNION ALL SELECT 'high', 4
    UNION ALL SELECT 'critical', 8
) w ON w.severity = c.severity
WHERE c.resources_in_scope > 0
GROUP BY c.day, c.account
