"""Logs: how many there are, and kinds of messages never seen before."""
