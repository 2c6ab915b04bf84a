"""The senders' words and numbers for severity → OpenTelemetry severity numbers.

https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
"""

from __future__ import annotations

from itertools import chain

from pyspark.sql import Column
from pyspark.sql import functions as F

_TRACE, _DEBUG, _INFO, _WARN, _ERROR, _FATAL = 1, 5, 9, 13, 17, 21
_NUMBERS = {
    "trace": _TRACE, "verbose": _TRACE, "debug": _DEBUG, "info": _INFO, "informational": _INFO, "information": _INFO,
    "success": _INFO, "normal": _INFO, "logalways": _INFO, "notice": _INFO + 1, "warn": _WARN, "warning": _WARN,
    "error": _ERROR, "err": _ERROR, "failure": _ERROR, "crit": _ERROR + 1, "critical": _ERROR + 1, "alert": _ERROR + 2,
    "fatal": _FATAL, "emerg": _FATAL, "emergency": _FATAL, "panic": _FATAL,
}  # fmt: skip
# RFC 5424: 0 is emergency, 7 is debug; as OpenTelemetry's own example maps them.
SYSLOG_WORDS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")


def severity_number(word: Column) -> Column:
    """A word in any case → 1 to 24; null if it is not known."""
    known = F.create_map(*chain.from_iterable((F.lit(name), F.lit(number)) for name, number in _NUMBERS.items()))
    return known[F.lower(word)]


def syslog_word(code: Column) -> Column:
    """Severity 0 to 7 of RFC 5424 → its word."""
    return F.get(F.array(*map(F.lit, SYSLOG_WORDS)), code)


def event_level_word(code: Column) -> Column:
    """Level 0 to 5 of the Windows event model, which Azure has as well → its word; what is no such level as it is."""
    words = ("LogAlways", "Critical", "Error", "Warning", "Informational", "Verbose")
    place = F.when(F.rlike(code, F.lit(r"^[0-5]$")), code.try_cast("int"))
    return F.coalesce(F.get(F.array(*map(F.lit, words)), place), code)
