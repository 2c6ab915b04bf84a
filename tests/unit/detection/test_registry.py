"""The registry on SQLite: a first champion without training, aliases, going back, and a model that any MLflow loads."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.detection.bundle import Bundle, load
from pipelines.detection.models.promotion import promote, rollback
from pipelines.detection.models.registry import Registry
from pipelines.detection.univariate import Parameters, fresh_states, score_points
from pipelines.errors import ModelError
from pipelines.model_registry.registration import RunFacts
from pipelines.model_registry.registry import CHALLENGER, CHAMPION, PREVIOUS
from pipelines.settings import Settings, load_settings

ROWS = 300


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """With three versions: the built-in one, and two that somebody registered."""
    root = tmp_path_factory.mktemp("registry") / "lakehouse"
    made = Registry.of(load_settings("local", {"LAKEHOUSE_ROOT": str(root)}))
    assert made.versions() == ()
    assert made.version_of(CHAMPION) is None
    assert made.ensure_champion() == "1"
    facts = RunFacts("test", {"seed": "1"}, {"auprc": 0.5}, {"decision": "better: a test"})
    assert made.register(facts, Bundle(strictness={7: 1.5})) == "2"
    assert made.register(facts, Bundle(strictness={7: 2.0})) == "3"
    return made


def history() -> pd.DataFrame:
    """Two series, their rows mixed, with a spike each."""
    random = np.random.default_rng(1)
    times = pd.date_range("2026-03-01", periods=ROWS, freq="min")
    frames = [
        pd.DataFrame({"series_id": series, "event_time": times, "value": random.normal(series, 1.0, ROWS)})
        for series in (7, 8)
    ]
    frame = pd.concat(frames, ignore_index=True)
    frame.loc[frame.index % ROWS == 250, "value"] += 40.0
    return frame.sample(frac=1.0, random_state=1)


def test_two_that_come_at_once_make_one_champion(settings: Settings) -> None:
    with ThreadPoolExecutor(2) as pool:
        champions = set(pool.map(lambda _: Registry.of(settings).ensure_champion(), range(2)))

    assert champions == {"1"}
    assert len(Registry.of(settings).versions()) == 1


def test_a_champion_that_is_there_stays(registry: Registry) -> None:
    assert registry.ensure_champion() == "1"
    assert "1" in [version.version for version in registry.versions() if "built_in" in version.tags]


def test_versions_are_listed_newest_first_with_their_tags(registry: Registry) -> None:
    versions = registry.versions()

    assert [version.version for version in versions] == ["3", "2", "1"]
    assert versions[0].tags["decision"] == "better: a test"


def test_a_version_is_downloaded_as_it_was_registered(registry: Registry, tmp_path: Path) -> None:
    assert load(registry.download("1", tmp_path / "1")).parameters == Parameters()
    assert load(registry.download("3", tmp_path / "3")).strictness == {7: 2.0}


def test_an_alias_or_version_that_is_not_there(registry: Registry, tmp_path: Path) -> None:
    assert registry.version_of(CHALLENGER) is None
    with pytest.raises(ModelError, match="no version 99: `lakehouse models list`"):
        registry.download("99", tmp_path)
    with pytest.raises(ModelError, match="no version 99"):
        promote(registry, "99")


def test_rollback_goes_back_step_by_step(registry: Registry) -> None:
    registry.set_alias(CHALLENGER, "2")
    assert promote(registry, "2") == "1"
    assert registry.version_of(CHALLENGER) is None
    assert promote(registry, "3") == "2"
    assert promote(registry, "3") is None
    assert registry.version_of(PREVIOUS) == "2"

    assert rollback(registry) == ("3", "2")
    assert registry.version_of(PREVIOUS) == "1"
    assert rollback(registry) == ("2", "1")
    assert registry.version_of(CHAMPION) == "1"
    assert registry.version_of(PREVIOUS) is None
    with pytest.raises(ModelError, match="version 1 is the first champion"):
        rollback(registry)


def test_mlflow_loads_the_champion_without_this_project_and_scores_as_the_stream_does(
    registry: Registry, tmp_path: Path
) -> None:
    """In a process that finds no `pipelines` but the one in the model."""
    frame = history()
    frame.to_pickle(tmp_path / "history")
    code = (
        "import sys; from pathlib import Path\n"
        "sys.meta_path = [finder for finder in sys.meta_path if '__editable__' not in str(finder)]\n"
        "sys.path = [path for path in sys.path if not Path(path, 'pipelines').is_dir()]\n"
        "import mlflow, pandas as pd; mlflow.set_tracking_uri(sys.argv[1])\n"
        "model = mlflow.pyfunc.load_model('models:/anomaly_detector@champion')\n"
        "model.predict(pd.read_pickle('history')).to_pickle('scores')\n"
        "import pipelines; assert 'code' in Path(pipelines.__file__).parts, pipelines.__file__\n"
    )
    run = [sys.executable, "-c", code, registry.tracking_uri]
    ended = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=300, env={"HOME": str(tmp_path)})
    assert ended.returncode == 0, ended.stderr

    scores = pd.read_pickle(tmp_path / "scores").sort_index()

    assert list(scores.columns) == ["anomaly_score", "expected", "lower", "upper"]
    ordered = frame.sort_index()
    expected = score_points(
        fresh_states(2),
        (ordered["series_id"] - 7).to_numpy(np.int64),
        ordered["event_time"].astype("datetime64[us]").astype("int64").to_numpy() / 1e6,
        ordered["value"].to_numpy(),
        Parameters(),
        np.ones(2),
    )
    np.testing.assert_array_equal(scores["anomaly_score"], expected.score)
    np.testing.assert_array_equal(scores["upper"], expected.upper)
    assert scores["anomaly_score"].idxmax() % ROWS == 250


def test_a_registry_that_does_not_answer_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow = settings.mlflow.model_copy(update={"tracking_uri": "http://127.0.0.1:9"})
    with pytest.raises(ModelError, match=r"registry at http://127.0.0.1:9, .*check mlflow.tracking_uri"):
        Registry.of(settings.model_copy(update={"mlflow": mlflow})).version_of(CHAMPION)


def test_unity_catalog_and_servers_are_only_addresses(settings: Settings) -> None:
    def addressed(**uris: str) -> Registry:
        return Registry.of(settings.model_copy(update={"mlflow": settings.mlflow.model_copy(update=uris)}))

    local = addressed()
    assert local.tracking_uri == local.registry_uri == f"sqlite:///{settings.models_dir}/mlflow.db"
    server = addressed(tracking_uri="http://mlflow:5000")
    assert server == replace(server, registry_uri="http://mlflow:5000", local_dir=None)
    unity = addressed(tracking_uri="databricks", registry_uri="databricks-uc")
    assert (unity.tracking_uri, unity.registry_uri) == ("databricks", "databricks-uc")
