"""From gold.alerts to whom it may concern: a real Alertmanager, and a Kafka topic of CloudEvents."""
