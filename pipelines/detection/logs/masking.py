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

# In this order: what contains others comes first. A match begins with a rare character or at the start of a word, as it
# is looked for at each character of a message. Whatever has a digit is one mark: an id in hexadecimal may happen to be
# a number, so two marks would make two messages of one. No mark has a digit, as drain3 takes that for a parameter.
MASKS = (
    (r"""["'](?<!\w['"])(?:(?<=")[^"]*"|(?<=')[^']*'(?!\w))""", "<text>"),
    (r"://[^\s<>,;)\]]+", ":<url>"),
    (r"/(?<![\w/<>.]/)[\w.@%+~:-]+(?:/[\w.@%+~:-]*)+|:\\[^\s,;)\]]+", "<path>"),
    (r"\b(?<!\.)\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d+)?\b", "<ip>"),
    (r"\b(?:[a-fA-F]{2}:)*+[A-Za-z_]*+\d\w*(?:[.-]\w+|[:,+]\d\w*|:{1,2}[0-9a-fA-F]{1,4}\b)*+", "<num>"),
)


def text_of(message: Column) -> Column:
    """What a person would read of a message: its first line; of a JSON object its `message` or `msg`, if it has one."""
    said = F.coalesce(F.get_json_object(message, "$.message"), F.get_json_object(message, "$.msg"), message)
    text = F.when(F.startswith(message, F.lit("{")), said).otherwise(message)
    return F.substring_index(F.substring(text, 1, MOST_CHARACTERS), "\n", 1)


def masked(message: Column) -> Column:
    """The text of a message with a mark in place of each thing that varies."""
    return reduce(lambda text, mask: F.regexp_replace(text, F.lit(mask[0]), F.lit(mask[1])), MASKS, text_of(message))
