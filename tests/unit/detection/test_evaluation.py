"""`lakehouse evaluate`: histories of one's own through the code of the stream, judged where they are labelled."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pipelines.cli import build
from pipelines.detection.evaluation.history import Windows, find, read_series, read_windows
from pipelines.detection.evaluation.judge import judge_events, judge_points, runs
from pipelines.detection.evaluation.nab import nab_scores, sigmoid
from pipelines.errors import EvaluationError
from tests.unit.detection.scored_rows import noise


def standard(scores: np.ndarray, *spans: tuple[int, int]) -> float:
    return nab_scores([(scores, Windows(spans))])[0].score


def scores(rows: int, *high: int) -> np.ndarray:
    flagged = np.zeros(rows)
    flagged[list(high)] = 1.0
    return flagged


class TestNab:
    def test_a_detector_that_says_nothing_has_zero(self) -> None:
        assert standard(np.zeros(1000), (500, 599)) == pytest.approx(0.0)

    def test_the_start_of_each_window_and_nothing_else_has_a_hundred(self) -> None:
        assert standard(scores(1000, 500, 800), (500, 599), (800, 899)) == pytest.approx(100.0)

    def test_the_later_in_the_window_the_less(self) -> None:
        found = [standard(scores(1000, row), (500, 599)) for row in (500, 550, 590)]
        assert found[0] > found[1] > found[2] > 0

    def test_a_second_detection_in_a_window_changes_nothing(self) -> None:
        assert standard(scores(1000, 500, 520), (500, 599)) == pytest.approx(standard(scores(1000, 500), (500, 599)))

    def test_a_false_alarm_costs_as_the_profile_says(self) -> None:
        given = [(scores(1000, 300, 500), Windows(((500, 599),)))]
        by_name = {score.profile: score.score for score in nab_scores(given)}
        # Perfect is 1, nothing -1: of that 2 the alarm takes its weight.
        assert by_name["standard"] == pytest.approx(100 * (2 - 0.11) / 2)
        assert by_name["low-FP"] == pytest.approx(100 * (2 - 0.22) / 2)
        assert by_name["low-FN"] == pytest.approx(100 * (3 - 0.11) / 3)

    def test_the_first_rows_are_not_counted(self) -> None:
        assert standard(scores(1000, 149, 500), (500, 599)) == pytest.approx(100.0)

    def test_one_threshold_serves_all_files(self) -> None:
        quiet, loud = 0.2 * scores(1000, 500), 0.9 * scores(1000, 300, 301, 302, 303, 304, 305, 306, 307, 308)
        (best, *_) = nab_scores([(quiet, Windows(((500, 599),))), (loud, Windows(()))])
        assert best.threshold == pytest.approx(0.2)
        assert best.score == pytest.approx(100 * (2 - 9 * 0.11) / 2)

    def test_without_a_window_there_is_no_score(self) -> None:
        assert nab_scores([(np.zeros(10), Windows(()))]) == ()

    def test_what_a_position_is_worth(self) -> None:
        assert sigmoid(np.array([-10.0, 0.0, 3.5])) == pytest.approx([1.0, 0.0, -1.0])


class TestLabelledRows:
    LABELS = np.array([False, True, True, False, False, True])

    def test_perfect_scores(self) -> None:
        points = judge_points(self.LABELS * 0.9, self.LABELS, 0.8)
        assert points is not None
        assert (points.auprc, points.f1, points.f1_at_threshold) == (1.0, 1.0, 1.0)

    def test_a_run_is_not_adjusted_to_its_first_hit(self) -> None:
        points = judge_points(np.array([0.0, 0.9, 0.0, 0.0, 0.0, 0.9]), self.LABELS, 0.8)
        assert points is not None
        assert points.f1_at_threshold == pytest.approx(0.8)

    def test_without_labels_there_is_nothing_to_judge(self) -> None:
        assert judge_points(np.zeros(3), np.zeros(3, dtype=bool), 0.8) is None

    def test_events_are_runs_found_once_and_alarms_runs_outside(self) -> None:
        said = np.array([0.9, 0.9, 0.0, 0.0, 0.9, 0.0])
        events = judge_events(said, self.LABELS, 86_400.0 * np.arange(6), 0.8)
        assert (events.events, events.found, events.false_alarms, events.days) == (2, 1, 2, 5.0)

    def test_runs(self) -> None:
        assert runs(self.LABELS) == [(1, 2), (5, 5)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A labelled series with a jump, an unlabelled one whose columns are written otherwise, and a host."""
    folder = tmp_path / "in"
    (folder / "web").mkdir(parents=True)
    times = pd.date_range("2026-03-01", periods=800, freq="5min")
    values = noise(800, 1)
    values[600:620] = 300.0
    pd.DataFrame({"timestamp": times, "value": values}).to_csv(folder / "web/jump.csv", index=False)
    pd.DataFrame({"TimeStamp": times, "Value": noise(800, 2)}).to_csv(folder / "web/quiet.csv", index=False)
    windows = {"web/jump.csv": [[str(times[590]), str(times[650])]], "web/quiet.csv": []}
    (folder / "windows.json").write_text(json.dumps(windows))
    train = pd.DataFrame({f"m{at}": noise(1000, at) for at in range(3)})
    test = pd.DataFrame({f"m{at}": noise(300, 10 + at) for at in range(3)})
    test.loc[200:220, "m1"] += 80.0
    train.to_parquet(folder / "db.train.parquet", index=False)
    test.assign(label=[int(200 <= row <= 220) for row in range(300)]).to_parquet(
        folder / "db.test.parquet", index=False
    )
    return folder


def test_every_file_gets_its_scores_in_its_own_order(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = CliRunner().invoke(build("evaluate"), ["evaluate", str(folder), "--out", str(out)])

    assert said.exit_code == 0, said.output
    assert "NAB standard" in said.output
    assert "mean of 1 labelled hosts" in said.output
    for name in ("jump", "quiet"):
        written = pd.read_csv(out / f"web/{name}.csv")
        assert len(written) == 800
        assert list(written.columns[:4]) == ["anomaly_score", "expected", "lower", "upper"]
        assert (out / f"web/{name}.png").stat().st_size > 10_000
    jump = pd.read_csv(out / "web/jump.csv")["anomaly_score"]
    assert jump[600:605].max() >= 0.8
    assert (jump[100:590] >= 0.8).sum() <= 1
    host = pd.read_parquet(out / "db.test.parquet")
    assert len(host) == 300
    assert set(host["contributor"][205:220]) == {"m1"}
    assert host["anomaly_score"][205:220].max() >= 0.8


def test_what_came_later_changes_no_score(folder: Path, tmp_path: Path) -> None:
    whole = pd.read_csv(folder / "web/jump.csv")
    cut = tmp_path / "cut/web"
    cut.mkdir(parents=True)
    whole[:605].to_csv(cut / "jump.csv", index=False)
    for source, out in ((folder, tmp_path / "a"), (tmp_path / "cut", tmp_path / "b")):
        assert CliRunner().invoke(build("evaluate"), ["evaluate", str(source), "--out", str(out)]).exit_code == 0

    of_both = [pd.read_csv(tmp_path / name / "web/jump.csv")[:605] for name in ("a", "b")]
    pd.testing.assert_frame_equal(*of_both)


def test_rows_that_are_not_in_order_of_time_keep_their_place(folder: Path) -> None:
    history = read_series(folder, Path("web/jump.csv"), read_windows(folder))
    assert history.windows is not None
    assert history.windows.spans == ((590, 650),)
    assert history.labels is None


@pytest.mark.parametrize(
    ("content", "says"),
    [("time,value\n1,2\n", "no column timestamp"), ("timestamp,value\nyesterday-ish,1\n", "cannot be read")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(EvaluationError, match=f"a.csv.*{says}"):
        read_series(tmp_path, Path("a.csv"), {})


def test_an_empty_folder_says_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="timestamp,value"):
        find(tmp_path)
