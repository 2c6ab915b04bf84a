"""The defaults by which a plain spark-submit finds our jars and our Python."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path

from pipelines.artifacts.cache import ensure
from pipelines.artifacts.files import filesystem_errors, write_atomically
from pipelines.errors import ArtifactError
from pipelines.settings import load_settings

# Without a file of its own Spark announces that it has none, and its start-up warnings bury what a person should read.
_LOG4J = """rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{yyyy-MM-dd HH:mm:ss} %p %c{1}: %m%n%ex
"""


def write_spark_defaults() -> Path:
    """Write <pyspark>/conf/spark-defaults.conf so that a plain spark-submit finds Delta, Kafka and this Python.

    Other lines in the file stay. Beside the environment's spark-submit it also lays the `spark-distribution` link that
    spark-submit looks for, since without one it asks whatever python3 is first on PATH where Spark is. Returns the
    file's path. Raises ArtifactError if pyspark is missing or not writable.
    """
    jars = ensure("spark")
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise ArtifactError("pyspark is not installed in this environment: pip install -r requirements.lock")
    path = Path(spec.origin).parent / "conf" / "spark-defaults.conf"
    ours = {
        "spark.driver.extraClassPath": os.pathsep.join(str(jar) for jar in jars),
        "spark.pyspark.python": sys.executable,
        "spark.pyspark.driver.python": sys.executable,
        # The driver's own size can only be set before its JVM starts, so not by the job.
        **{key: value for key, value in load_settings("local").spark.conf.items() if key.startswith("spark.driver.")},
    }
    with filesystem_errors(path):
        before = path.read_text().splitlines() if path.exists() else []
        kept = [line for line in before if not line.strip() or line.replace("=", " ").split()[0] not in ours]
        text = "\n".join([*kept, *(f"{key} {value}" for key, value in ours.items()), ""])
        if not path.exists() or path.read_text() != text:
            write_atomically(path, text)
        write_atomically(path.parent / "log4j2.properties", _LOG4J)
        _link_spark_home(path.parent.parent)
    return path


def _link_spark_home(pyspark: Path) -> None:
    scripts = Path(sysconfig.get_path("scripts"))
    link = scripts / "spark-distribution"
    if os.name == "nt" or not (scripts / "find_spark_home.py").exists() or link.exists():
        return
    link.unlink(missing_ok=True)  # one that leads nowhere any more
    link.symlink_to(os.path.relpath(pyspark, scripts))
