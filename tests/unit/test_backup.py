"""What a backup takes: versions of tables that fit the batches of the queries, each file once, all checked."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.errors import StorageError
from pipelines.operations.backup.batches import Query, queries
from pipelines.operations.backup.create import back_up
from pipelines.operations.backup.cut import Cut, Noted, cut, reads_within
from pipelines.operations.backup.registry import copy_database, relocate
from pipelines.operations.backup.restore import restore
from pipelines.operations.backup.store import newest
from pipelines.settings import Settings
from pipelines.tables import contract

SCORES, HEALTH = contract("silver.anomaly_scores"), contract("gold.agent_health")


def query(name: str, committed: int, begun: int) -> Query:
    return Query(name, name, Path(name), committed, begun)


ONE, OTHER = query("one", 4, 5), query("other", 7, 7)


def test_the_batch_that_had_begun_may_be_in_a_table_and_no_later_one() -> None:
    noted = (Noted(11, "one", 4), Noted(12, "one", 5), Noted(13, "one", 6))

    assert cut(SCORES, 10, 14, noted, (ONE, OTHER)) == Cut(12, fits=True)
    assert cut(SCORES, 10, 12, noted[:2], (ONE, OTHER)) == Cut(12, fits=True)


def test_what_no_query_numbers_is_taken_as_it_is_now_and_gold_as_it_was_before_the_look() -> None:
    assert cut(contract("silver.inventory"), 10, 14, (), (ONE,)) == Cut(14, fits=True)
    assert cut(HEALTH, 10, 14, (Noted(12, "of an old checkpoint", 9),), (ONE,)) == Cut(10, fits=True)


def test_a_batch_that_has_ended_and_stands_after_one_that_is_too_late_does_not_fit() -> None:
    noted = (Noted(11, "one", 6), Noted(12, "other", 7))

    assert not cut(SCORES, 10, 12, noted, (ONE, OTHER)).fits
    assert cut(SCORES, 10, 12, (noted[0], Noted(12, "other", 8)), (ONE, OTHER)) == Cut(10, fits=True)


def note(settings: Settings, name: str, path: str, content: str = "") -> Path:
    target: Path = settings.checkpoint_path(name) / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content)
    return target


def offset(version: int, index: int) -> str:
    return "v1\n{}\n" + json.dumps({"reservoirId": "t", "reservoirVersion": version, "index": index})


def test_a_reader_is_never_ahead_of_what_it_reads(settings: Settings) -> None:
    note(settings, "silver", "metadata", '{"id":"s"}')
    note(settings, "silver", "offsets/0", offset(7, -100))
    streams = queries(settings)

    assert reads_within(streams, {"t": 6})
    assert not reads_within(streams, {"t": 5})
    note(settings, "silver", "offsets/0", offset(7, 3))  # some files of version 7 have been read
    assert not reads_within(streams, {"t": 6})


def test_files_of_later_batches_are_left_out(settings: Settings) -> None:
    note(settings, "silver", "metadata", '{"id":"s"}')
    wanted = [
        "commits/3",
        "offsets/3",
        "offsets/4",
        "state/0/0/4.changelog",
        "state/0/0/2.zip",
        "state/0/_metadata/v2/0",
    ]
    for path in (*wanted, ".lock"):
        note(settings, "silver", path)
    (found,) = queries(settings)
    for path in ("commits/4", "offsets/5", "state/0/0/5.changelog", "state/0/0/6_abc.zip", "offsets/.5.crc"):
        note(settings, "silver", path)

    assert (found.committed, found.begun) == (3, 4)
    assert {path.relative_to(found.folder).as_posix() for path in found.files()} == {*wanted, "metadata"}
    assert found.is_kept
    (found.folder / "commits/3").unlink()
    assert not found.is_kept


def test_readers_are_looked_at_before_what_they_read(settings: Settings) -> None:
    for name in ("bronze", "silver", "gold_metric_rollup", "silver_inventory"):
        note(settings, name, "metadata", json.dumps({"id": name}))

    assert [found.name for found in queries(settings)] == ["gold_metric_rollup", "silver_inventory", "silver", "bronze"]


def test_the_same_content_is_kept_once_and_a_second_backup_adds_what_is_new(settings: Settings, tmp_path: Path) -> None:
    state = settings.root / "_alerts"
    state.mkdir(parents=True)
    for name in ("a", "b"):
        (state / name).write_text("the same")
    first = back_up(settings, tmp_path / "backups")
    (state / "c").write_text("new")
    second = back_up(settings, tmp_path / "backups")

    assert second.added_files == 1
    assert len(second.manifest.files) == len(first.manifest.files) + 1
    assert newest(tmp_path / "backups") == second.manifest


def test_a_file_that_has_changed_in_the_backup_is_told_and_nothing_is_put_in_place(
    settings: Settings, tmp_path: Path
) -> None:
    (settings.root / "_alerts").mkdir(parents=True)
    (settings.root / "_alerts" / "state").write_text("true")
    manifest = back_up(settings, tmp_path / "backups").manifest
    (entry,) = (one for one in manifest.files if one.path == "_alerts/state")
    kept = tmp_path / "backups" / "objects" / entry.sha256[:2] / entry.sha256
    kept.write_text("false")

    with pytest.raises(StorageError, match="_alerts/state is not what was backed up"):
        restore(tmp_path / "backups", tmp_path / "root")
    assert not (tmp_path / "root" / "_alerts").exists()
    kept.write_text("true")
    restore(tmp_path / "backups", tmp_path / "root")  # what was left of the first try is no hindrance
    assert (tmp_path / "root" / "_alerts" / "state").read_text() == "true"
    with pytest.raises(StorageError, match="has _alerts already"):
        restore(tmp_path / "backups", tmp_path / "root")


def test_a_folder_without_a_backup_and_one_below_the_root_are_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="holds no backup"):
        restore(tmp_path, tmp_path / "root")
    with pytest.raises(StorageError, match="is below the root"):
        back_up(settings, settings.root / "backups")


def test_the_registry_is_copied_as_of_one_moment_and_knows_where_it_lies(tmp_path: Path) -> None:
    source, models = tmp_path / "mlflow.db", tmp_path / "models"
    models.mkdir()
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE runs (artifact_uri VARCHAR(200), steps INTEGER)")
        connection.execute("INSERT INTO runs VALUES ('file:///old/root/_models/artifacts/1', 3)")
        connection.commit()
        copy_database(source, models / "mlflow.db")  # while another has it open
    (models / "champion.json").write_text('{"folder": "/old/root/_models/published/1"}')

    relocate(models, "/old/root", "/new")

    with closing(sqlite3.connect(models / "mlflow.db")) as connection:
        assert connection.execute("SELECT * FROM runs").fetchall() == [("file:///new/_models/artifacts/1", 3)]
    assert json.loads((models / "champion.json").read_text())["folder"] == "/new/_models/published/1"
