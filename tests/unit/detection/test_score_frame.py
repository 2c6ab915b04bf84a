"""One bucket's rows of silver.metrics, scored."""

from dataclasses import replace

import numpy as np
import pandas as pd

from pipelines.detection.block import empty_block
from pipelines.detection.score_frame import MULTIVARIATE, SCORED, UNIVARIATE, score_frame
from tests.unit.detection.scored_rows import champion, noise, rows, two_metric_host

COLUMNS = [column.strip().split()[0] for column in SCORED.split(",")]


def test_each_row_has_one_score_under_its_own_id() -> None:
    given = rows({1: noise(50, 1), 2: noise(50, 2)})
    scored = score_frame(given, empty_block(), champion())

    assert list(scored.columns) == COLUMNS
    assert sorted(scored["score_id"]) == sorted(given["score_id"])
    assert scored["anomaly_score"].between(0, 1).all()
    assert set(scored["model_version"]) == {"1"}


def test_a_jump_is_an_anomaly_with_the_band_that_it_left() -> None:
    values = noise(600, 1)
    values[500] = 500.0
    scored = score_frame(rows({1: values}), empty_block(), champion()).set_index("score_id")

    jump = scored.loc["1-500"]
    assert jump["anomaly_score"] >= 0.8
    assert jump["lower"] < jump["expected"] < jump["upper"] < 500
    assert (scored["anomaly_score"] >= 0.8).sum() < 10


def test_rows_are_taken_in_the_order_of_time() -> None:
    given = rows({1: noise(100, 1)})
    in_order = score_frame(given, empty_block(), champion())
    shuffled = score_frame(given.sample(frac=1, random_state=0), empty_block(), champion())

    pd.testing.assert_frame_equal(in_order, shuffled)


def test_rows_of_one_time_are_taken_in_the_order_of_their_ids() -> None:
    once, again = rows({1: noise(100, 1), 2: noise(100, 2)}), rows({1: noise(100, 3)})
    given = pd.concat([once, again.assign(score_id="after " + again["score_id"])], ignore_index=True)
    by_id = {}
    for seed in (0, 1):
        mixed = given.sample(frac=1, random_state=seed)
        by_id[seed] = score_frame(mixed, empty_block(), champion()).set_index("score_id").sort_index()

    pd.testing.assert_frame_equal(by_id[0], by_id[1])
    last = score_frame(given, empty_block(), champion()).query("series_id == 1")["score_id"].tolist()
    assert last[-2:] == ["1-99", "after 1-99"]


def test_where_a_batch_ends_changes_no_score() -> None:
    given = rows({1: noise(300, 1), 2: noise(300, 2)})
    whole = score_frame(given, empty_block(), champion(two_metric_host()))
    block = empty_block()
    early = given["event_time"] < given["event_time"].median()
    parts = [score_frame(given[part], block, champion(two_metric_host())) for part in (early, ~early)]

    both = [frame.sort_values(["detector", "score_id"], ignore_index=True) for frame in (whole, pd.concat(parts))]
    scores = ["score_id", "anomaly_score", "expected", "lower", "upper"]
    pd.testing.assert_frame_equal(both[0][scores], both[1][scores])


def test_a_host_with_a_model_is_scored_as_a_whole_too() -> None:
    values = noise(60, 5)
    values[30:] += 60.0
    scored = score_frame(rows({1: values, 2: noise(60, 6)}), empty_block(), champion(two_metric_host()))

    host = scored[scored["detector"] == MULTIVARIATE]
    assert len(host) == 59
    assert host["anomaly_score"].iloc[:30].max() < 0.8 <= host["anomaly_score"].iloc[-1]
    assert host["top_contributors"].iloc[-1][0] == "metric 1"
    assert host["score_id"].is_unique
    assert (scored["detector"] == UNIVARIATE).sum() == 120


def test_the_verdicts_of_operators_make_a_series_stricter() -> None:
    values = noise(600, 1)
    values[500] = 75.0
    plain = score_frame(rows({1: values}), empty_block(), champion())
    strict = score_frame(rows({1: values}), empty_block(), champion(replace(champion().bundle, strictness={1: 4.0})))

    assert strict["anomaly_score"].iloc[500] < plain["anomaly_score"].iloc[500]


def test_what_is_no_number_is_no_anomaly() -> None:
    values = noise(100, 1)
    values[[50, 60]] = [np.nan, np.inf]
    scored = score_frame(rows({1: values}), empty_block(), champion())
    assert scored["anomaly_score"].iloc[[50, 60]].tolist() == [0.0, 0.0]
