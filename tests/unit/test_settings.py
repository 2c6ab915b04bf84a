"""Settings: which source wins, and what a bad value is answered with: its key, itself, and what would be right."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.errors import SettingsError
from pipelines.settings import CONF_DIR, environments, load_settings, parse_duration


@pytest.fixture
def conf_dir(tmp_path: Path) -> Path:
    """A copy of conf/ to spoil."""
    folder = tmp_path / "conf"
    folder.mkdir()
    for path in CONF_DIR.glob("*.yaml"):
        (folder / path.name).write_text(path.read_text())
    return folder


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_environment_wins_over_the_file_of_the_env_which_wins_over_base(conf_dir: Path) -> None:
    base = load_settings("local", {}, conf_dir)
    (conf_dir / "local.yaml").write_text("silver: {max_files_per_trigger: 7}\n")
    local = load_settings("local", {}, conf_dir)
    environment = load_settings("local", {"LAKEHOUSE_SILVER__MAX_FILES_PER_TRIGGER": "9"}, conf_dir)

    counts = [settings.silver.max_files_per_trigger for settings in (base, local, environment)]
    assert counts[0] not in (7, 9)
    assert counts[1:] == [7, 9]
    assert environment.silver.trigger_interval == base.silver.trigger_interval  # what nobody overrides stays


def test_the_short_names_of_the_environment(tmp_path: Path) -> None:
    settings = load_settings(
        "local",
        {
            "LAKEHOUSE_ROOT": str(tmp_path / "here"),
            "KAFKA_BOOTSTRAP_SERVERS": "broker:9092",
            "SCHEMA_REGISTRY_URL": "http://registry:8081",
        },
    )

    assert settings.root == tmp_path / "here"
    assert settings.kafka.bootstrap_servers == "broker:9092"
    assert settings.schema_registry.url == "http://registry:8081"


def test_the_root_is_absolute_and_tables_and_checkpoints_are_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings("local", {"LAKEHOUSE_ROOT": "lake"})

    assert settings.table_path("silver", "metrics") == tmp_path / "lake" / "silver" / "metrics"
    assert settings.checkpoint_path("bronze") == tmp_path / "lake" / "_checkpoints" / "bronze"


def test_topics_from_the_environment_are_words() -> None:
    settings = load_settings("local", {"LAKEHOUSE_KAFKA__TOPICS": r"am-.* aws\..*"})

    assert settings.kafka.topics == ("am-.*", r"aws\..*")
    assert settings.kafka.topic_pattern == r"(?:am-.*)|(?:aws\..*)"


def test_names_that_are_not_ours_are_left_alone() -> None:
    assert load_settings("local", {"LAKEHOUSE_ENV": "x", "LAKEHOUSE_CACHE": "/y", "PATH": ""}).env == "local"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(Exception, match="frozen"):
        load_settings("local", {}).gold.late_after = "1 second"  # type: ignore[misc]


@pytest.mark.parametrize("env", environments())
def test_every_env_that_we_ship_is_valid(env: str) -> None:
    assert load_settings(env, {}).env == env


BAD = [
    ("LAKEHOUSE_SILVER__DEDUPLICATION_WINDOW", "soon", ("silver.deduplication_window", "'soon'", "10 minutes")),
    ("LAKEHOUSE_SILVER__FUTURE_TOLERANCE", "0 minutes", ("silver.future_tolerance", "'0 minutes'", "longer than")),
    ("LAKEHOUSE_BRONZE__TRIGGER_INTERVAL", "-1 second", ("bronze.trigger_interval", "'-1 second'", "30 seconds")),
    ("LAKEHOUSE_GOLD__MAX_FILES_PER_TRIGGER", "0", ("gold.max_files_per_trigger", "'0'", "greater than 0")),
    ("LAKEHOUSE_SILVER__MAX_BYTES_PER_TRIGGER", "0m", ("silver.max_bytes_per_trigger", "'0m'", "[mg]")),
    ("LAKEHOUSE_KAFKA__MAX_OFFSETS_PER_TRIGGER", "many", ("kafka.max_offsets_per_trigger", "'many'", "integer")),
    ("LAKEHOUSE_KAFKA__TOPICS", "am-(", ("kafka.topics.0", "'am-('", "regular expression")),
    ("LAKEHOUSE_KAFKA__TOPICS", " ", ("kafka.topics", "' '", "at least 1")),
    ("LAKEHOUSE_SERVICES__BROKER_PORT", "65536", ("services.broker_port", "'65536'", "65535")),
    ("LAKEHOUSE_SERVICES__BROKER_HEAP", "a lot", ("services.broker_heap", "'a lot'", "[mg]")),
    ("LAKEHOUSE_SILVER__DEDUP_WINDOW", "1 hour", ("silver.dedup_window", "unknown", "'1 hour'", "conf/base.yaml")),
    ("LAKEHOUSE_COLOUR", "blue", ("colour", "unknown", "'blue'", "conf/base.yaml")),
    ("LAKEHOUSE_ROOT", "", ("LAKEHOUSE_ROOT", "empty", "unset")),
    ("LAKEHOUSE_GOLD__SILENT_AFTER", "2 minutes", ("gold.silent_after", "'2 minutes'", "longer than gold.late_after")),
    ("LAKEHOUSE_SILVER", "fast", ("silver", "'fast'")),
]


@pytest.mark.parametrize(("variable", "value", "words"), BAD, ids=[f"{name}={value}" for name, value, _ in BAD])
def test_a_bad_value_is_named_with_its_key_and_a_remedy(variable: str, value: str, words: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings("local", {variable: value})

    for word in words:
        assert word in str(error.value)


def test_all_bad_values_are_told_at_once() -> None:
    environ = {"LAKEHOUSE_BRONZE__TRIGGER_INTERVAL": "x", "LAKEHOUSE_GOLD__TRIGGER_INTERVAL": "y"}
    with pytest.raises(SettingsError) as error:
        load_settings("local", environ)

    assert "bronze.trigger_interval is 'x'" in str(error.value)
    assert "gold.trigger_interval is 'y'" in str(error.value)


def test_an_unknown_env_is_answered_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"--env is 'moon'.*databricks, local"):
        load_settings("moon", {})


def test_a_missing_setting(conf_dir: Path) -> None:
    change(conf_dir / "base.yaml", "  late_after: 2 minutes", "  # late_after: 2 minutes")
    with pytest.raises(SettingsError, match=r"gold\.late_after is missing: conf/base\.yaml"):
        load_settings("local", {}, conf_dir)


@pytest.mark.parametrize("content", ["root: [", "- a list", ""])
def test_a_file_that_holds_no_settings_is_named(conf_dir: Path, content: str) -> None:
    (conf_dir / "local.yaml").write_text(content)
    with pytest.raises(SettingsError, match=r"local\.yaml"):
        load_settings("local", {}, conf_dir)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 second", timedelta(seconds=1)),
        ("90 minutes", timedelta(minutes=90)),
        ("250 milliseconds", timedelta(0, 0.25)),
    ],
)
def test_durations(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "1", "second", "1.5 hours", "1 fortnight", "1 hour 30 minutes", "1h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="number and a unit"):
        parse_duration(text)


def test_a_catalog_is_a_name_and_tables_have_no_folder_then() -> None:
    settings = load_settings("databricks", {"LAKEHOUSE_CATALOG": "prod"})

    assert settings.catalog == "prod"
    assert settings.registered_name("failure_risk") == "prod.gold.failure_risk"
    assert settings.registered_name("other.schema.model") == "other.schema.model"
    with pytest.raises(SettingsError, match=r"setting catalog is 'a\.b'"):
        load_settings("local", {"LAKEHOUSE_CATALOG": "a.b"})


def test_a_model_has_its_plain_name_outside_of_unity_catalog() -> None:
    assert load_settings("local", {"LAKEHOUSE_CATALOG": "prod"}).registered_name("failure_risk") == "failure_risk"


def test_models_of_unity_catalog_need_a_catalog() -> None:
    with pytest.raises(SettingsError, match="setting catalog is None: mlflow"):
        load_settings("local", {"MLFLOW_REGISTRY_URI": "databricks-uc"})


def test_a_secret_of_the_wrong_kind_is_not_shown() -> None:
    with pytest.raises(SettingsError, match=r"setting kafka\.connection_string is not shown") as raised:
        load_settings("local", {"LAKEHOUSE_KAFKA__CONNECTION_STRING__KEY": "s3cr3t"})

    assert "s3cr3t" not in str(raised.value)
