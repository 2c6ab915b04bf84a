-- What was charged, as the provider last said: of silver.costs without what later deliveries replaced.
-- of silver.costs
--
-- A scope is what a delivery replaces: a billing period of an account in one report. Of an export's named deliveries the
-- one that began last counts, whole. Rows of it that name no delivery count if they came after that, and of each charge those of
-- the last value that holds it. A repeat counts as come when the first of its kind came, so that a late repeat of an old
-- delivery stays old. Of Azure's two exports, the actual one adds to the amortized one its purchases of commitments only.
WITH copies AS (
    SELECT
        concat_ws('|', c.source, coalesce(c.dataset, ''), coalesce(c.ProviderName, ''), coalesce(c.BillingAccountId, ''),
            cast(coalesce(c.BillingPeriodStart, date_trunc('month', c.ChargePeriodStart)) AS string)) AS scope,
        concat_ws('|', c.source, coalesce(c.ProviderName, ''), coalesce(c.BillingAccountId, ''),
            cast(coalesce(c.BillingPeriodStart, date_trunc('month', c.ChargePeriodStart)) AS string)) AS report,
        c.dataset AS dataset,
        c.ChargeCategory = 'Purchase' AND c.PricingCategory = 'Committed' AS is_commitment,
        coalesce(c.export_id, c.topic) AS export,
        c.delivery_id AS delivery,
        coalesce(c.charge_id, c.event_id) AS charge,
        c.kafka_timestamp AS came,
        c.topic AS a_topic, c.partition AS a_partition, c.offset AS an_offset, c.item AS an_item,
        coalesce(c.part, 0) AS a_part,
        row_number() OVER (
            PARTITION BY c.event_id
            ORDER BY c.kafka_timestamp, c.topic, c.partition, c.offset, c.item, coalesce(c.part, 0)
        ) AS copy
    FROM {base} c
),

deliveries AS (
    SELECT
        x.*,
        CASE WHEN x.delivery IS NULL THEN x.came
             ELSE min(x.came) OVER (PARTITION BY x.scope, x.export, x.delivery) END AS delivered_at,
        max(CASE WHEN x.dataset = 'amortized' THEN 1 ELSE 0 END) OVER (PARTITION BY x.report) AS has_amortized
    FROM copies x
    WHERE x.copy = 1
),

ranked AS (
    SELECT
        d.*,
        max(CASE WHEN d.delivery IS NOT NULL THEN d.delivered_at END) OVER (PARTITION BY d.scope, d.export) AS last_named,
        dense_rank() OVER (
            PARTITION BY d.scope, d.export, CASE WHEN d.delivery IS NULL THEN 1 ELSE 0 END
            ORDER BY d.delivered_at DESC, d.delivery DESC
        ) AS named_rank,
        dense_rank() OVER (
            PARTITION BY d.scope, d.charge, CASE WHEN d.delivery IS NULL THEN 1 ELSE 0 END
            ORDER BY d.came DESC, d.a_topic DESC, d.a_partition DESC, d.an_offset DESC
        ) AS charge_rank
    FROM deliveries d
)

SELECT c.*
FROM {base} c
WHERE EXISTS (
    SELECT 1 FROM ranked r
    WHERE r.a_topic = c.topic AND r.a_partition = c.partition AND r.an_offset = c.offset AND r.an_item = c.item
      AND r.a_part = coalesce(c.part, 0)
      AND CASE WHEN r.delivery IS NOT NULL THEN r.named_rank = 1
               ELSE r.charge_rank = 1 AND (r.last_named IS NULL OR r.came > r.last_named) END
      AND (r.dataset IS NULL OR r.dataset <> 'actual' OR r.has_amortized = 0 OR r.is_commitment)
)
