"""Text → variant: all of it or nothing, strictly or with single quotes."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.sources.reading.variant import parse_relaxed, parse_single_quoted, parse_whole

# Text → what it is strictly, and with single quotes.
CASES: dict[str, tuple[str | None, str | None]] = {
    '{"a":1}': ('{"a":1}', None),
    # More than one value, or less.
    '{"a":1},"b":2': (None, None),
    '{"a":1},{"b":2}': (None, None),
    '{"a":1}}': (None, None),
    '[{"a":1}': (None, None),
    '{"a":1': (None, None),
    "{'a':'b'},'c':1": (None, None),
    "{'a':'b'": (None, None),
    "{'a':'b'}x": (None, None),
    # Single quotes, and nothing else that is not JSON.
    "{'a':'b'}": (None, '{"a":"b"}'),
    "{\"p\":{'a':'it\\'s \"so\"','n':2}}": (None, '{"p":{"a":"it\'s \\"so\\"","n":2}}'),
    "{'a':NaN}": (None, None),
    "{'a':Infinity}": (None, None),
    "{'a':01}": (None, None),
    "{'a':True}": (None, None),
    "{'a':'b',}": (None, None),
    "{a:'b'}": (None, None),
    "{'a':'C:\\dir'}": (None, None),
    "{'a':'b\x00'}": (None, None),
}


def test_a_text_is_one_value_as_a_whole_or_nothing(spark: SparkSession) -> None:
    texts = spark.createDataFrame([(text,) for text in CASES], "text string")

    read = texts.select("text", *(F.to_json(parse(F.col("text"))) for parse in (parse_whole, parse_single_quoted)))

    assert {row[0]: (row[1], row[2]) for row in read.collect()} == CASES


def test_details_known_to_be_json_of_a_kind_may_escape_any_sign(spark: SparkSession) -> None:
    texts = spark.createDataFrame([("{'a':'C:\\dir'}",), ('{"a":1},"b":2',)], "text string")

    assert [row[0] for row in texts.select(F.to_json(parse_relaxed(F.col("text")))).collect()] == [
        '{"a":"C:dir"}',
        None,
    ]
