"""A change of champion: what the driver publishes, and what the workers then read."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.detection.bundle import Bundle, load, save
from pipelines.detection.champion import ChampionWatch, pointer
from pipelines.detection.published import Published, Reader, publish, published
from pipelines.detection.univariate import STATE_LAYOUT, Parameters
from pipelines.errors import ModelError
from pipelines.settings import Settings, load_settings
from tests.unit.detection.scored_rows import two_metric_host


class Models:
    """A registry with the versions that were put there."""

    def __init__(self) -> None:
        self.champion: str | None = "1"
        self.bundles = {"1": Bundle(), "2": replace(Bundle(), strictness={5: 2.0})}
        self.is_reachable = True

    def ensure_champion(self) -> str:
        assert self.champion is not None
        return self.champion

    def version_of(self, alias: str) -> str | None:
        if not self.is_reachable:
            raise ModelError("the registry does not answer")
        return self.champion

    def download(self, version: str, folder: Path) -> Path:
        if version not in self.bundles:
            raise ModelError(f"no version {version}")
        save(self.bundles[version], folder / "bundle")
        return folder / "bundle"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path)})


@pytest.fixture
def refused() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def models() -> Models:
    return Models()


@pytest.fixture
def watch(settings: Settings, models: Models, refused: list[tuple[str, str]]) -> ChampionWatch:
    watch = ChampionWatch(settings, models, lambda version, reason: refused.append((version, reason)))
    watch.prepare()
    return watch


def version_of(settings: Settings) -> str:
    found = published(pointer(settings))
    assert found is not None
    return found.version


def test_the_first_start_publishes_the_champion(settings: Settings, watch: ChampionWatch) -> None:
    assert version_of(settings) == "1"


def test_a_moved_alias_is_published(settings: Settings, models: Models, watch: ChampionWatch) -> None:
    models.champion = "2"
    watch.look()
    assert version_of(settings) == "2"
    assert load(Path(published(pointer(settings)).folder)).strictness == {5: 2.0}


def test_a_broken_champion_is_refused_once_and_the_former_goes_on(
    settings: Settings, models: Models, watch: ChampionWatch, refused: list[tuple[str, str]]
) -> None:
    models.bundles["3"] = replace(Bundle(), parameters=replace(Parameters(), threshold=float("nan")))
    models.champion = "3"
    watch.look()
    watch.look()

    assert version_of(settings) == "1"
    ((version, reason),) = refused
    assert version == "3"
    assert "threshold is nan" in reason
    assert "version 1 goes on" in reason


def test_so_does_it_while_the_registry_is_away(
    settings: Settings, models: Models, watch: ChampionWatch, refused: list[tuple[str, str]]
) -> None:
    models.is_reachable = False
    watch.look()
    assert version_of(settings) == "1"
    assert refused == [("1", "the registry does not answer")]


def test_a_start_needs_no_registry_where_there_is_a_former_champion(
    settings: Settings, models: Models, watch: ChampionWatch
) -> None:
    class Away(Models):
        def ensure_champion(self) -> str:
            raise ModelError("the registry does not answer")

    ChampionWatch(settings, Away(), lambda *_: None).prepare()
    assert version_of(settings) == "1"


def test_a_worker_reads_another_champion_when_it_is_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.detection.published._LOOK_SECONDS", 0.0)
    where = tmp_path / "champion.json"
    for version in ("1", "2"):
        save(Bundle(), tmp_path / version)
    reader = Reader(where)
    publish(Published("m", "1", str(tmp_path / "1")), where)
    first = reader.champion()
    assert reader.champion() is first
    publish(Published("m", "2", str(tmp_path / "2")), where)
    assert reader.champion().published.version == "2"


def test_a_worker_says_when_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no champion is published"):
        Reader(tmp_path / "champion.json").champion()


def test_a_bundle_is_read_as_it_was_written(tmp_path: Path) -> None:
    save(two_metric_host("/a"), tmp_path)
    again = load(tmp_path)
    assert again.hosts["/a"].series_ids.tolist() == [1, 2]
    assert again.hosts["/a"].model.metric_names == ("metric 1", "metric 2")
    assert again.parameters == Parameters()


def test_a_bundle_of_another_layout_or_cut_off_is_not_read(tmp_path: Path) -> None:
    save(Bundle(), tmp_path)
    content = json.loads((tmp_path / "detector.json").read_text())
    (tmp_path / "detector.json").write_text(json.dumps(content | {"layout": STATE_LAYOUT + 1}))
    with pytest.raises(ModelError, match="train it anew"):
        load(tmp_path)
    (tmp_path / "detector.json").write_text(json.dumps(content)[:50])
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path)
