"""The session that Databricks provides: what is set in it, and what has to be right already."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.errors import ServiceError
from pipelines.session import REQUIRED, adopt, has_jvm

LAST_WIN = "spark.sql.mapKeyDedupPolicy"
FAIR = "spark.scheduler.mode"


class Session:
    """A session as far as its settings go; `fixed`: what cannot be set once Spark runs."""

    def __init__(self, given: dict[str, str], fixed: set[str]) -> None:
        self.confs, self._fixed = dict(given), fixed
        self.conf = self

    def get(self, key: str, default: str | None) -> str | None:
        return self.confs.get(key, default)

    def set(self, key: str, value: str) -> None:
        if not self.isModifiable(key):
            raise AssertionError(f"{key} cannot be set")
        self.confs[key] = value

    def isModifiable(self, key: str) -> bool:
        return key not in self._fixed


class Serverless(Session):
    """It refuses all but what its documentation lists."""


Serverless.__module__ = "pyspark.sql.connect.session"


def test_a_cluster_gets_what_can_still_be_set() -> None:
    spark: Any = Session({FAIR: "FAIR"}, fixed={FAIR})

    adopt(spark, {FAIR: "FAIR", LAST_WIN: "LAST_WIN"})

    assert spark.confs == {FAIR: "FAIR", LAST_WIN: "LAST_WIN"}


def test_a_cluster_that_was_started_without_is_refused_with_what_is_missing() -> None:
    spark: Any = Session({FAIR: "FIFO"}, fixed={FAIR})

    with pytest.raises(ServiceError, match=r"`spark_conf` of the job cluster: spark\.scheduler\.mode: FAIR"):
        adopt(spark, REQUIRED)


def test_serverless_compute_gets_what_it_takes_and_nothing_else() -> None:
    spark: Any = Serverless({}, fixed=REQUIRED.keys() - {"spark.sql.session.timeZone"})

    adopt(spark, REQUIRED | {"spark.sql.shuffle.partitions": "8"})

    assert spark.confs == {"spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "8"}
    assert not has_jvm(spark)
