"""Log messages without what varies from one to the next, so that a batch has few distinct ones.

A template miner is Python for each message that it is given. Of 100,000 messages of a batch a few hundred are left when
numbers, addresses, ids, paths and quoted words are replaced by marks; only those are given to it.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

# A stack trace or a dump says what it is at its beginning.
MOST_CHARACTERS = 300

# In this order: what contains others comes first. No mark has a digit, as the next mask would replace it, and drain3
# takes a word with a digit for a parameter.
MASKS = (
    (r"""(?<![\w<])(?:"[^"]*"|'[^']*')(?!\w)""", "<text>"),
    (r"\b[a-zA-Z][a-zA-Z+.-]*://[^\s<>,;)\]]+", "<url>"),
    (r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "<uuid>"),
    (r"(?<![\w/<>.])(?:/[\w.@%+~:-]+){2,}/?|\b[A-Za-z]:\\[^\s,;)\]]+", "<path>"),
    (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+|/\d+)?\b", "<ip>"),
    (r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){1,6}:[0-9a-fA-F:]*(?!\w)", "<ip>"),
    (r"(?<![\w:])(?:[0-9a-fA-F]{1,4}[:-]){5,7}[0-9a-fA-F]{1,4}(?!\w)", "<ip>"),
    (r"\b0x[0-9a-fA-F]+\b|\b(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{7,}\b", "<hex>"),
    (r"\d(?:[\d.,:]*\d)?", "<num>"),
)  # fmt: skip


def text_of(message: Column) -> Column:
    """What a person would read of a message: its first line; of a JSON object its `message` or `msg`, if it has one."""
    trimmed = F.trim(message)
    said = F.coalesce(F.get_json_object(trimmed, "$.message"), F.get_json_object(trimmed, "$.msg"), trimmed)
    text = F.when(F.startswith(trimmed, F.lit("{")), said).otherwise(trimmed)
    return F.substring(F.substring_index(text, "\n", 1), 1, MOST_CHARACTERS)


def masked(message: Column) -> Column:
    """The text of a message with a mark in place of each thing that varies."""
    return reduce(lambda text, mask: F.regexp_replace(text, F.lit(mask[0]), F.lit(mask[1])), MASKS, text_of(message))
