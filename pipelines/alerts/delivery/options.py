"""What can be set about the delivery of alerts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Delivery:
    """Where transitions of alerts go, and how hard it is tried. Durations are in Spark's words, such as `1 minute`.

    `alertmanager_urls` are the base URLs of all members of a cluster: each is sent everything, as Alertmanager wants
    it, and the members tell each other what they have told people.
    """

    alertmanager_urls: tuple[str, ...]
    resend_interval: str = "1 minute"  # Alertmanager takes for over what it hears nothing of (its resolve_timeout)
    resolved_for: str = "15 minutes"  # how long the end of an alert is sent again and again
    notify_within: str = "6 minutes"  # the longest group_interval of Alertmanager, and some
    timeout_seconds: float = 5.0  # of one request: to connect, and to be answered
    max_wait_seconds: float = 10.0  # between two tries to reach a receiver that does not answer
    trigger_interval: str = "1 second"
    topic: str = "alerts"
    source: str = "urn:lakehouse:alerts"  # a URI: the `source` of CloudEvents and, with #<fingerprint>, generatorURL
