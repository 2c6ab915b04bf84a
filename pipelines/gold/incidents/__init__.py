"""gold.incidents: signals (`signals`), which belong together (`grouping`), why (`causes`), and the table (`table`)."""

from pipelines.gold.incidents.options import IncidentOptions
from pipelines.gold.incidents.table import DAILY, Told, incidents

__all__ = ["DAILY", "IncidentOptions", "Told", "incidents"]
