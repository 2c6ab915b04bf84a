"""Settings: conf/base.yaml, then conf/<env>.yaml, then the environment; validated once, frozen afterwards."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from pipelines.errors import SettingsError

PROJECT_DIR = Path(__file__).resolve().parent.parent
# A wheel carries both folders inside of the package (setup.py puts them there); a checkout has them beside it.
_PACKAGE_DIR = Path(__file__).resolve().parent
_DATA_DIR = _PACKAGE_DIR if (_PACKAGE_DIR / "conf").is_dir() else PROJECT_DIR
CONF_DIR = _DATA_DIR / "conf"
SCHEMAS_DIR = _DATA_DIR / "schemas"

_SHORT_NAMES = {
    "LAKEHOUSE_ROOT": ("root",),
    "KAFKA_BOOTSTRAP_SERVERS": ("kafka", "bootstrap_servers"),
    "SCHEMA_REGISTRY_URL": ("schema_registry", "url"),
    "MLFLOW_TRACKING_URI": ("mlflow", "tracking_uri"),
    "MLFLOW_REGISTRY_URI": ("mlflow", "registry_uri"),
    "ANOMALY_THRESHOLD": ("detection", "threshold"),
}
_SECRET = "kafka.connection_string"
_OUTSIDE_SERVICES = ("KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
# Read elsewhere, before there are settings.
_NOT_SETTINGS = {"LAKEHOUSE_ENV", "LAKEHOUSE_CACHE", "LAKEHOUSE_TRUTH"}
_DURATION = re.compile(r"(\d+) (millisecond|second|minute|hour|day)s?")


def parse_duration(text: str) -> timedelta:
    """`'90 seconds'` → timedelta. Spark's own interval words, so that one value serves both."""
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError("should be a number and a unit, such as '30 seconds', '10 minutes' or '1 hour'")
    return timedelta(**{f"{match[2]}s": int(match[1])})


def _duration(text: str) -> str:
    if parse_duration(text) <= timedelta(0):
        raise ValueError("should be longer than nothing, such as '10 minutes'")
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"should be a regular expression: {error}") from error
    return text


def _words(value: Any) -> Any:
    """The environment has text only: a list is its words there."""
    return tuple(value.split()) if isinstance(value, str) else value


Duration = Annotated[str, AfterValidator(_duration)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Port = Annotated[int, Field(ge=0, le=65535)]
Size = Annotated[str, Field(pattern=r"^[1-9]\d*[mg]$")]  # of memory or files, as Java writes it
Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[\w.-]+$")]
# What is the client's, or only about how much is read; which topics and from where is ours to say.
KafkaOption = Annotated[
    str,
    Field(
        pattern=r"^(kafka\.[a-z0-9.]+|databricks\..+|minPartitions|maxRecordsPerPartition|minOffsetsPerTrigger|maxTriggerDelay"
        r"|groupIdPrefix|fetchOffset\.\w+|kafkaConsumer\.\w+)$"
    ),
]
Url = Annotated[str, Field(pattern=r"^https?://[^/]")]
CatalogName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][\w-]*$")]
ConfValue = Annotated[str, BeforeValidator(lambda value: str(value).lower() if isinstance(value, bool) else str(value))]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaAccess(StrEnum):
    """How Kafka lets us in: `pipelines.kafka_access` says what each is."""

    NONE = "none"
    EVENT_HUBS = "event-hubs"
    MSK_IAM = "msk-iam"
    SERVICE_CREDENTIAL = "service-credential"


class Kafka(_Section):
    bootstrap_servers: str | None
    access: KafkaAccess
    connection_string: SecretStr | None
    service_credential: Name | None
    topics: Annotated[tuple[Pattern, ...], BeforeValidator(_words), Field(min_length=1)]
    max_offsets_per_trigger: Positive
    options: dict[KafkaOption, ConfValue]

    @property
    def topic_pattern(self) -> str:
        """One Java regular expression that matches every topic to read."""
        return "|".join(f"(?:{pattern})" for pattern in self.topics)


class SchemaRegistry(_Section):
    url: str | None


class Services(_Section):
    broker_port: Port
    registry_port: Port
    broker_heap: Size
    registry_heap: Size


class Spark(_Section):
    master: str | None
    conf: dict[str, ConfValue]


class Bronze(_Section):
    trigger_interval: Duration
    max_files_per_batch: Positive | None


class Silver(_Section):
    trigger_interval: Duration
    deduplication_window: Duration
    future_tolerance: Duration
    max_files_per_trigger: Positive
    max_bytes_per_trigger: Size


class Inventory(_Section):
    trigger_interval: Duration
    max_files_per_trigger: Positive
    max_bytes_per_trigger: Size
    owner_tags: Annotated[tuple[str, ...], BeforeValidator(_words), Field(min_length=1)]


class Gold(_Section):
    trigger_interval: Duration
    health_interval: Duration
    max_files_per_trigger: Positive
    max_bytes_per_trigger: Size
    late_after: Duration
    silent_after: Duration


class Quality(_Section):
    count_interval: Duration


class Mlflow(_Section):
    tracking_uri: str | None
    registry_uri: str | None


class Alerts(_Section):
    tick_interval: Duration
    look_back: Duration
    alertmanager_urls: Annotated[tuple[Url, ...], BeforeValidator(_words)]
    resend_interval: Duration
    notify_within: Duration
    kafka_topic: Name | None


class Detection(_Section):
    trigger_interval: Duration
    max_files_per_trigger: Positive
    max_bytes_per_trigger: Size
    threshold: Share
    model_name: Name
    champion_interval: Duration
    peers_interval: Duration
    logs_interval: Duration
    buckets: Positive
    forget_after: Duration
    train_window: Duration
    retrain_after: Duration


class Settings(_Section):
    """Everything that can be set. Paths are absolute after loading."""

    env: str
    root: Path
    catalog: CatalogName | None
    kafka: Kafka
    schema_registry: SchemaRegistry
    services: Services
    spark: Spark
    bronze: Bronze
    silver: Silver
    inventory: Inventory
    gold: Gold
    quality: Quality
    mlflow: Mlflow
    detection: Detection
    alerts: Alerts

    def table_path(self, layer: str, table: str) -> Path:
        return self.root / layer / table

    def checkpoint_path(self, query: str) -> Path:
        return self.root / "_checkpoints" / query

    def registered_name(self, model: str) -> str:
        """A model as its registry names it: `<catalog>.gold.<model>` in Unity Catalog."""
        if self.mlflow.registry_uri != "databricks-uc" or "." in model:
            return model
        return f"{self.catalog}.gold.{model}"

    @property
    def quality_dir(self) -> Path:
        """Counts that wait for gold.quality, and what `lakehouse check` keeps beside its table."""
        return self.root / "_quality"

    @property
    def models_dir(self) -> Path:
        """The registry, where none is set, and the copy of the champion that the workers read."""
        return self.root / "_models"

    @property
    def services_dir(self) -> Path:
        return self.root / "_services"


def load_settings(env: str, environ: Mapping[str, str] = os.environ, conf_dir: Path = CONF_DIR) -> Settings:
    """The settings of `env`. Raises SettingsError, which names the key, its value and what would be right."""
    if env == "base" or not (conf_dir / f"{env}.yaml").is_file():
        raise SettingsError(f"--env is {env!r}; there is conf/<env>.yaml for: {', '.join(environments(conf_dir))}")
    merged = _merge(_read(conf_dir / "base.yaml"), _read(conf_dir / f"{env}.yaml"))
    merged = _merge(merged, _from_environment(environ))
    try:
        settings = Settings(**{**merged, "env": env})
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(detail) for detail in error.errors())) from error
    if settings.mlflow.registry_uri == "databricks-uc" and settings.catalog is None:
        raise SettingsError("setting catalog is None: mlflow.registry_uri 'databricks-uc' needs the models' catalog")
    if parse_duration(settings.gold.silent_after) <= parse_duration(settings.gold.late_after):
        raise SettingsError(
            f"setting gold.silent_after is {settings.gold.silent_after!r}: should be longer than gold.late_after "
            f"({settings.gold.late_after})"
        )
    return settings.model_copy(update={"root": settings.root.expanduser().resolve()})


def environments(conf_dir: Path = CONF_DIR) -> tuple[str, ...]:
    """Names of the files that hold settings; rules and other data lie beside them."""
    return tuple(sorted(path.stem for path in conf_dir.glob("*.yaml") if path.stem != "base" and _is_settings(path)))


def _is_settings(path: Path) -> bool:
    """By the sections, which are the lines that begin at the margin: no need to read the whole of long files."""
    sections = re.findall(r"^(\w+):", path.read_text(encoding="utf-8"), re.MULTILINE)
    return set(sections) <= set(Settings.model_fields)


def without_outside_services(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` as it is for the embedded broker and registry, whatever the shell is set to."""
    return {key: value for key, value in environ.items() if key not in _OUTSIDE_SERVICES}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: should hold settings as `section: {{key: value}}`")
    return content


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        nested = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if nested else value
    return merged


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    overlay: dict[str, Any] = {}
    for name, value in environ.items():
        if name in _SHORT_NAMES:
            keys = _SHORT_NAMES[name]
        elif name.startswith("LAKEHOUSE_") and name not in _NOT_SETTINGS:
            keys = tuple(name.removeprefix("LAKEHOUSE_").lower().split("__"))
        else:
            continue
        if not value:
            raise SettingsError(f"environment variable {name} is empty: give it a value or unset it")
        section = overlay
        for key in keys[:-1]:
            section = section.setdefault(key, {})
        section[keys[-1]] = value
    return overlay


def _explain(detail: Any) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"setting {key} is unknown (value {detail['input']!r}): conf/base.yaml lists all of them"
    if detail["type"] == "missing":
        return f"setting {key} is missing: conf/base.yaml shows what it should be"
    value = "not shown, as it is a secret" if key == _SECRET else repr(detail["input"])
    return f"setting {key} is {value}: {detail['msg'].removeprefix('Value error, ')}"
