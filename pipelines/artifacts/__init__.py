"""Jars and archives of the JVM side: resolved once, locked by SHA-256, cached, then used without network or resolver.

conf/artifacts/artifacts.yaml declares the roots of each set (`spark`, `broker`, `registry`), artifacts.lock beside it
holds what they resolved to. `ensure` downloads what the cache lacks (LAKEHOUSE_CACHE, default
~/.cache/telemetry-lakehouse), checks every file against the lock, and leaves a stamp of sizes and times so that a later
start need not read 150 MB again.

    python -m pipelines.artifacts lock        resolve the roots again and rewrite the lock (needs network)
    python -m pipelines.artifacts fetch       fill the cache with every set
    python -m pipelines.artifacts configure   fetch `spark` and write <pyspark>/conf/spark-defaults.conf

The repository is Maven Central, or those of the [repositories] section of jgo's own configuration file.
"""

from pipelines.artifacts.cache import cache_dir, ensure, unpacked, write_lock
from pipelines.artifacts.spark_defaults import write_spark_defaults

__all__ = ["cache_dir", "ensure", "unpacked", "write_lock", "write_spark_defaults"]
