"""The dashboard: pages over gold, asked through the embedded engine. Nothing here writes."""
