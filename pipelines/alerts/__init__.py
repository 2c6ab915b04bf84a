"""Alerts: rules as data, the state machine that evaluates them, and the delivery of their transitions."""
