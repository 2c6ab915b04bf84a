"""Telemetry of a hybrid estate, from Kafka to bronze, silver and gold Delta tables."""
