"""The Spark session of this process: local, on a cluster, or the one that Databricks provides."""

from __future__ import annotations

import os
import sys
from typing import Any

from pyspark import SparkContext
from pyspark.sql import SparkSession

from pipelines import artifacts
from pipelines.errors import ServiceError
from pipelines.java import find_java
from pipelines.settings import Settings

# What the streams rely on wherever they run. A Databricks job cluster gets them in its `spark_conf`, as half of them
# cannot be set once Spark runs.
REQUIRED = {
    "spark.sql.session.timeZone": "UTC",
    # Nested members count as fields; above the default of 100 Spark gives up whole-stage code generation in silence.
    "spark.sql.codegen.maxFields": "2000",
    # Rows that are decompressed at a time: a Kafka value can be 1 MB, and 4,096 of those fill any heap.
    "spark.sql.parquet.columnarReaderBatchSize": "512",
    # Four streams have more generated classes than the default of 100: each batch would compile them all anew.
    "spark.sql.codegen.cache.maxEntries": "2000",
    # Sketches are aggregated in a hash map; by default all rows of a task would be sorted instead above 128 series.
    "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "50000",
    # ICU takes seconds to load its tables at the first lower(); host names and ids are ASCII.
    "spark.sql.icu.caseMappings.enabled": "false",
    # JSON objects may repeat a key; such a record is quarantined, and must not stop the stream before that.
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    "spark.sql.variant.allowDuplicateKeys": "true",
    # Nested lambdas, as decoding OTLP has them, take a round each; beyond the default of 100 the analyzer gives up.
    "spark.sql.analyzer.maxIterations": "300",
    # What must be true of a row because of a filter is worked out for every expression, of wide rows for minutes.
    "spark.sql.constraintPropagation.enabled": "false",
    # Noting which line of Python made a Column costs five calls to the JVM for each one that makes it: over half of
    # all calls when a micro-batch is planned.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # Cannot change once a checkpoint exists, so chosen on the first day.
    "spark.sql.streaming.stateStore.providerClass": (
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    ),
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    # Counting the keys costs a look-up for every put.
    "spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows": "false",
    # A batch without data, only to move the watermark: the next batch with data does that too.
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    # Several streams share the application; none should wait for another's whole batch.
    "spark.scheduler.mode": "FAIR",
    "spark.sql.streaming.stateStore.rocksdb.boundedMemoryUsage": "true",
    "spark.sql.streaming.stateStore.rocksdb.maxMemoryUsageMB": "256",
}
# All that serverless compute lets a session set: docs.databricks.com/en/spark/conf ("serverless notebooks and jobs").
_ON_SERVERLESS = {
    "spark.sql.ansi.enabled",
    "spark.sql.files.maxPartitionBytes",
    "spark.sql.legacy.timeParserPolicy",
    "spark.sql.session.timeZone",
    "spark.sql.shuffle.partitions",
}
# A micro-batch on one machine is small: what follows takes a Delta commit from 1.2 s to about half of that.
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.databricks.delta.writeChecksumFile.enabled": "false",
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    "spark.sql.streaming.numRecentProgressUpdates": "20",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.ui.retainedExecutions": "20",
    "spark.sql.inMemoryColumnarStorage.compressed": "false",
    "spark.cleaner.periodicGC.interval": "5min",
}


def build_session(settings: Settings, app_name: str) -> SparkSession:
    """The session, with Delta and Kafka on its class path; on Databricks the one that is there.

    Raises ServiceError (no Java; a cluster without what the streams rely on) or ArtifactError (no jars).
    """
    if on_databricks():
        return adopt(SparkSession.Builder().getOrCreate(), REQUIRED | settings.spark.conf)
    confs = dict(REQUIRED)
    if settings.spark.master is not None:
        confs |= _LOCAL | _class_path()
    confs |= settings.spark.conf
    builder = SparkSession.Builder().appName(app_name)
    if settings.spark.master is not None:
        builder = builder.master(settings.spark.master)
    for key, value in confs.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    _check_delta(spark)
    return spark


def on_databricks() -> bool:
    """Whether this process is in a Databricks runtime, on a cluster or serverless."""
    return "DATABRICKS_RUNTIME_VERSION" in os.environ


def has_jvm(spark: SparkSession) -> bool:
    """Whether Spark's JVM is ours to call. It is not through Spark Connect, which serverless compute always is."""
    return not type(spark).__module__.startswith("pyspark.sql.connect")


def adopt(spark: SparkSession, confs: dict[str, str]) -> SparkSession:
    """Bring a session that others made to `confs`, as far as it lets us.

    Serverless compute refuses all but a few, with an error, so only those are set: a job that relies on the others
    (duplicate keys in JSON, the state store) belongs on a job cluster. On a cluster those that are fixed at its start
    have to be right already: ServiceError names those that are not.
    """
    if not has_jvm(spark):
        for key in sorted(_ON_SERVERLESS & confs.keys()):
            spark.conf.set(key, confs[key])
        return spark
    fixed = []
    for key, value in confs.items():
        if spark.conf.get(key, None) == value:
            continue
        if spark.conf.isModifiable(key):
            spark.conf.set(key, value)
        else:
            fixed.append(f"{key}: {value}")
    if fixed:
        raise ServiceError(
            "this cluster's Spark was started without what the streams rely on; add to the `spark_conf` of the job "
            f"cluster: {'; '.join(fixed)}"
        )
    return spark


def end_session(spark: SparkSession) -> None:
    """Stop Spark where it is ours. Databricks ends its own, and takes one that a job ended for a failure."""
    if not on_databricks():
        spark.stop()


def _class_path() -> dict[str, str]:
    """Empty if the JVM runs already (spark-submit has read spark-defaults.conf): its class path is fixed by then."""
    if SparkContext._gateway is not None or "PYSPARK_GATEWAY_PORT" in os.environ:
        return {}
    os.environ["JAVA_HOME"] = str(find_java().home)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    jars = artifacts.ensure("spark")
    return {"spark.driver.extraClassPath": ":".join(str(jar) for jar in jars)}


def _check_delta(spark: SparkSession) -> None:
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    try:
        _loader(jvm).loadClass("io.delta.sql.DeltaSparkSessionExtension")
    except Exception as error:
        raise ServiceError(
            "Spark runs without Delta: run `make setup` once, which writes the class path for spark-submit, or pass "
            "--jars (`python -m pipelines.artifacts configure` prints where they are)"
        ) from error


def _loader(jvm: Any) -> Any:
    return jvm.java.lang.Thread.currentThread().getContextClassLoader()
