"""How we get into Kafka: which options each way makes, and what a wrong setting is answered with."""

from __future__ import annotations

import pytest

from pipelines.errors import SettingsError
from pipelines.kafka_access import APACHE, DATABRICKS, classes_of, client_options, reader_options
from pipelines.settings import Kafka, load_settings

CONNECTION = "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=read;SharedAccessKey=s3cr3t="


def kafka(**environ: str) -> Kafka:
    return load_settings("local", {f"LAKEHOUSE_KAFKA__{key.upper()}": value for key, value in environ.items()}).kafka


def test_an_open_broker_needs_nothing() -> None:
    assert reader_options(kafka(), APACHE) == {}
    assert client_options(kafka()) == {}


def test_event_hubs_takes_its_connection_string_as_password() -> None:
    options = reader_options(kafka(access="event-hubs", connection_string=CONNECTION), DATABRICKS)

    assert options["kafka.security.protocol"] == "SASL_SSL"
    assert options["kafka.sasl.mechanism"] == "PLAIN"
    assert options["kafka.sasl.jaas.config"] == (
        "kafkashaded.org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'username="$ConnectionString" password="{CONNECTION}";'
    )


def test_what_looks_before_spark_starts_logs_in_to_event_hubs_too() -> None:
    options = client_options(kafka(access="event-hubs", connection_string=CONNECTION))

    assert options is not None
    assert (options["sasl.username"], options["sasl.password"]) == ("$ConnectionString", CONNECTION)


def test_msk_takes_the_role_of_the_machine() -> None:
    options = reader_options(kafka(access="msk-iam"), DATABRICKS)

    assert options == {
        "kafka.security.protocol": "SASL_SSL",
        "kafka.sasl.mechanism": "AWS_MSK_IAM",
        "kafka.sasl.jaas.config": "shadedmskiam.software.amazon.msk.auth.iam.IAMLoginModule required;",
        "kafka.sasl.client.callback.handler.class": (
            "shadedmskiam.software.amazon.msk.auth.iam.IAMClientCallbackHandler"
        ),
    }
    assert client_options(kafka(access="msk-iam")) is None


def test_a_service_credential_is_a_name() -> None:
    options = reader_options(kafka(access="service-credential", service_credential="lakehouse-kafka"), DATABRICKS)

    assert options == {"databricks.serviceCredential": "lakehouse-kafka"}


def test_class_names_are_those_of_the_runtime() -> None:
    assert classes_of({}) is APACHE
    assert classes_of({"DATABRICKS_RUNTIME_VERSION": "18.0"}) is DATABRICKS
    assert "kafkashaded" not in str(
        reader_options(kafka(access="event-hubs", connection_string=CONNECTION), APACHE)["kafka.sasl.jaas.config"]
    )


def test_an_option_of_conf_is_above_those_of_the_access() -> None:
    options = kafka(access="msk-iam", **{"options__kafka.security.protocol": "SASL_PLAINTEXT"})

    assert reader_options(options, APACHE)["kafka.security.protocol"] == "SASL_PLAINTEXT"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"access": "event-hub"}, "setting kafka.access is 'event-hub'"),
        ({"options__failondataloss": "false"}, "setting kafka.options.failondataloss"),
        ({"options__security.protocol": "SSL"}, "setting kafka.options.security.protocol"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_its_key_and_value(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        kafka(**environ)

    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"access": "event-hubs"}, r"LAKEHOUSE_KAFKA__CONNECTION_STRING\) is None"),
        (
            {"access": "event-hubs", "connection_string": "{{secrets/lake/hubs}}"},
            r"is '\{\{secrets/lake/hubs\}\}': the",
        ),
        ({"access": "service-credential"}, "setting kafka.service_credential is None"),
    ],
)
def test_a_way_in_that_lacks_what_it_needs_stops_the_start(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        reader_options(kafka(**environ), DATABRICKS)


def test_a_secret_is_in_no_message_and_in_no_text_of_the_settings() -> None:
    spoiled = kafka(access="event-hubs", connection_string=CONNECTION.replace("sb://", "https://"))

    with pytest.raises(SettingsError, match="should be 'Endpoint=sb://") as raised:
        reader_options(spoiled, DATABRICKS)

    assert "s3cr3t" not in str(raised.value)
    assert "s3cr3t" not in repr(spoiled)
