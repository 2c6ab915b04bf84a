"""What makes an incident, and what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class IncidentOptions:
    """`least_minutes`: anomalies of a resource open an incident if they last so long, or if several metrics of it were
    unusual and one of them by `sure_score`. A point alone opens none.

    `pause`: symptoms of one machine that are closer belong together. `together`: so do machines of one group whose
    troubles begin so shortly after each other, up to `most_spread` after the first. `before`: what may be a cause.
    `half_life`: after so long a possible cause is half as likely. `late`: clocks differ, so what is said to be so long
    after the first symptom may be before it.
    """

    least_minutes: int = 3
    sure_score: float = 0.95
    pause: timedelta = timedelta(minutes=10)
    together: timedelta = timedelta(minutes=10)
    most_spread: timedelta = timedelta(minutes=30)
    before: timedelta = timedelta(hours=1)
    half_life: timedelta = timedelta(minutes=15)
    late: timedelta = timedelta(minutes=2)
    causes: int = 10
    evidence: int = 100
