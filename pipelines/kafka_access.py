"""How Kafka lets us in: nothing to show, Event Hubs' connection string, MSK's IAM, or a credential of Unity Catalog.

The setting `kafka.access` decides. What it needs of the Kafka client is worked out here, so that conf holds names and
never a line of JAAS, and so that no secret is in a file: the connection string comes by the environment, into which a
Databricks cluster puts it from its secret scope.

Sources: learn.microsoft.com/azure/event-hubs/azure-event-hubs-kafka-overview (the `$ConnectionString` user),
github.com/aws/aws-msk-iam-auth (its JAAS line), docs.databricks.com/connect/streaming/kafka/authentication (the shaded
names of both, and `databricks.serviceCredential`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.errors import SettingsError
from pipelines.settings import Kafka, KafkaAccess

_PLAIN_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_IAM = "software.amazon.msk.auth.iam"


@dataclass(frozen=True)
class ClientClasses:
    """What stands before the names of the Kafka client's own classes, and of those of MSK's IAM."""

    kafka: str
    msk: str


APACHE = ClientClasses("", "")
# Databricks' runtime has both inside of other packages.
DATABRICKS = ClientClasses("kafkashaded.", "shadedmskiam.")


def classes_of(environ: Mapping[str, str]) -> ClientClasses:
    """Those of the runtime that this process is in."""
    return DATABRICKS if "DATABRICKS_RUNTIME_VERSION" in environ else APACHE


def reader_options(kafka: Kafka, classes: ClientClasses) -> dict[str, str]:
    """Options of Spark's Kafka source; what `kafka.options` says is above them.

    Raises SettingsError if the access needs a setting that there is not.
    """
    return _access_options(kafka, classes) | kafka.options


def _access_options(kafka: Kafka, classes: ClientClasses) -> dict[str, str]:
    if kafka.access is KafkaAccess.EVENT_HUBS:
        secret = _connection_string(kafka).replace("\\", "\\\\").replace('"', '\\"')
        login = f'{classes.kafka}{_PLAIN_LOGIN} required username="$ConnectionString" password="{secret}";'
        return {
            "kafka.security.protocol": "SASL_SSL",
            "kafka.sasl.mechanism": "PLAIN",
            "kafka.sasl.jaas.config": login,
            # Azure closes a connection that is idle for four minutes, in silence.
            "kafka.connections.max.idle.ms": "180000",
            "kafka.request.timeout.ms": "60000",
        }
    if kafka.access is KafkaAccess.MSK_IAM:
        return {
            "kafka.security.protocol": "SASL_SSL",
            "kafka.sasl.mechanism": "AWS_MSK_IAM",
            "kafka.sasl.jaas.config": f"{classes.msk}{_IAM}.IAMLoginModule required;",
            "kafka.sasl.client.callback.handler.class": f"{classes.msk}{_IAM}.IAMClientCallbackHandler",
        }
    if kafka.access is KafkaAccess.SERVICE_CREDENTIAL:
        if kafka.service_credential is None:
            raise SettingsError(
                "setting kafka.service_credential is None: kafka.access 'service-credential' needs the name of the "
                "Unity Catalog service credential"
            )
        return {"databricks.serviceCredential": kafka.service_credential}
    return {}


def client_options(kafka: Kafka) -> dict[str, str] | None:
    """The same for a librdkafka client; None if it cannot log in, as it knows neither IAM nor Unity Catalog."""
    if kafka.access is KafkaAccess.NONE:
        return {}
    if kafka.access is KafkaAccess.EVENT_HUBS:
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanisms": "PLAIN",
            "sasl.username": "$ConnectionString",
            "sasl.password": _connection_string(kafka),
        }
    return None


def _connection_string(kafka: Kafka) -> str:
    """Never in a message: what is said of it is what it begins with or lacks."""
    name = "setting kafka.connection_string (environment variable LAKEHOUSE_KAFKA__CONNECTION_STRING)"
    if kafka.connection_string is None:
        raise SettingsError(f"{name} is None: kafka.access 'event-hubs' needs that of the Event Hubs namespace")
    text = kafka.connection_string.get_secret_value()
    if text.startswith("{{secrets/"):
        raise SettingsError(
            f"{name} is {text!r}: the cluster has not put the secret in its place; there has to be that scope and key, "
            "and the job's identity must be allowed to read it"
        )
    if not text.startswith("Endpoint=sb://") or "SharedAccessKey=" not in text:
        raise SettingsError(
            f"{name} is not shown, as it is a secret: should be 'Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…'"
        )
    return text
