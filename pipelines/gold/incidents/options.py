"""What makes an incident, and what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class IncidentOptions:
    """Anomalies of a resource open an incident if a series stays where it was not expected: of the values of the
    `proof` after the anomaly `least_beyond`, and `least_rows` at least, lie beyond what was expected at it. Or if there
    are anomalies in `least_minutes`, or if several metrics were unusual and one of them by `sure_score`. A point alone
    opens none. `new_normal`: what is unusual for so long is usual from then on. Of a series that has risen in
    `least_rises` of its steps in the time `counted` nothing is said: it is a counter. `echoes`: alerts that say again
    what is known of anomalies, and so open nothing.

    `pause`: symptoms of one machine that are closer belong together. `together`: so do machines of one group whose
    troubles begin so shortly after each other, up to `most_spread` after the first. `before`: what may be a cause.
    `half_life`: after so long a possible cause is half as likely. `late`: clocks differ, so what is said to be so long
    after the first symptom may be before it.
    """

    proof: timedelta = timedelta(minutes=10)
    least_beyond: float = 0.8
    least_rows: int = 3
    new_normal: timedelta = timedelta(hours=4)
    least_rises: float = 0.95
    counted: timedelta = timedelta(hours=1)
    least_minutes: int = 15
    sure_score: float = 0.95
    echoes: tuple[str, ...] = ("AnomalyScoreHigh",)
    pause: timedelta = timedelta(minutes=10)
    together: timedelta = timedelta(minutes=10)
    most_spread: timedelta = timedelta(minutes=30)
    before: timedelta = timedelta(hours=1)
    half_life: timedelta = timedelta(minutes=15)
    late: timedelta = timedelta(minutes=2)
    causes: int = 10
    evidence: int = 100
