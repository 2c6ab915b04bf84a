"""Keeping tables small and quick: compaction, vacuum, retention, late duplicates, old files."""
