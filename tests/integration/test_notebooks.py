"""The notebooks run from top to bottom, by the interpreter of the tests, over tables that are written here."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from IPython.display import Markdown
from nbclient import NotebookClient

from pipelines.settings import PROJECT_DIR, Settings, load_settings
from tests import hand_made_gold

NOTEBOOKS = PROJECT_DIR / "notebooks"
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
TIMES = pa.timestamp("us", "UTC")


def minutes(amount: float) -> datetime:
    return START + timedelta(minutes=amount)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The kernel reads the same environment: this checkout's code, these tables."""
    monkeypatch.setenv("PYTHONPATH", str(PROJECT_DIR))
    monkeypatch.setenv("LAKEHOUSE_ROOT", str(tmp_path / "lakehouse"))
    monkeypatch.setenv("LAKEHOUSE_TRUTH", str(tmp_path / "truth.jsonl"))
    return load_settings("local", {"LAKEHOUSE_ROOT": str(tmp_path / "lakehouse")})


def write(settings: Settings, name: str, rows: list[dict[str, object]], **types: pa.DataType) -> None:
    kinds = {column: types.get(column) or pa.infer_type([row[column] for row in rows]) for column in rows[0]}
    table = pa.Table.from_pylist(rows, pa.schema(kinds.items()))
    write_deltalake(str(settings.table_path(*name.split("."))), table)


def score(host: str, at: float, value: float, anomaly_score: float, detector: str = "univariate") -> dict[str, object]:
    return {
        "score_id": f"{host}-{at}",
        "series_id": 1 if host == "burning" else 2,
        "detector": detector,
        "resource_id": f"/{host}",
        "host_name": host,
        "metric": "cpu",
        "event_time": minutes(at),
        "value": value,
        "expected": 50.0,
        "lower": 40.0 if at >= 1 else None,
        "upper": 60.0 if at >= 1 else None,
        "anomaly_score": anomaly_score,
        "is_anomaly": anomaly_score >= 0.8,
        "model_name": "anomaly_detector",
        "model_version": "7",
        "scored_at": minutes(at + 0.1),
    }


@pytest.fixture
def scores(settings: Settings) -> None:
    """An hour of two machines. `burning` is called out from minute 32 to 40, `quiet` once, for nothing."""
    random = np.random.default_rng(5)
    rows = [
        score("burning", at, 95.0, 0.9 + at / 1000) if 32 <= at <= 40 else score("burning", at, value, 0.1)
        for at, value in enumerate(random.normal(50, 2, 60).tolist())
    ]
    rows += [score("quiet", at, 50.0, 0.85 if at == 10 else 0.05) for at in range(60)]
    write(settings, "silver.anomaly_scores", rows, event_time=TIMES, scored_at=TIMES)
    metrics = [{"event_id": row["score_id"], "unit": "Percent", "dimensions": []} for row in rows]
    write(settings, "silver.metrics", metrics, dimensions=pa.map_(pa.string(), pa.string()))


@pytest.fixture
def truth(tmp_path: Path) -> None:
    """`burning` burnt from minute 30 on; `quiet` did at minute 50, which nobody saw."""
    told = [("burning", 30, 41), ("quiet", 50, 55)]
    lines = [
        {
            "kind": "cpu_saturation", "resource_id": f"/{host}", "host": host, "metric": "cpu", "instance": None,
            "start": minutes(start).isoformat(), "end": minutes(end).isoformat(),
        }
        for host, start, end in told
    ]  # fmt: skip
    (tmp_path / "truth.jsonl").write_text("\n".join(map(json.dumps, lines)))


class Run:
    """A notebook after it was executed; a cell that fails fails the test, with its traceback."""

    def __init__(self, name: str) -> None:
        notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
        NotebookClient(notebook, kernel_name="python3", timeout=300).execute(cwd=str(NOTEBOOKS))
        self._cells = {cell["id"]: cell for cell in notebook.cells}

    def text(self, cell: str) -> str:
        """All that the cell says, Markdown before plain text."""
        said = [output.get("data", {}) for output in self._cells[cell].outputs]
        return "\n".join(data.get("text/markdown") or data.get("text/plain", "") for data in said)

    def pictures(self, cell: str) -> list[bytes]:
        """The PNGs that the cell shows."""
        said = [output.get("data", {}) for output in self._cells[cell].outputs]
        return [base64.b64decode(data["image/png"]) for data in said if "image/png" in data]


def is_picture(png: bytes) -> bool:
    return png.startswith(b"\x89PNG") and len(png) > 5_000


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.name)
def test_a_notebook_is_kept_clean(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]

    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert str(PROJECT_DIR) not in path.read_text()
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.usefixtures("scores", "truth")
def test_detection_with_a_truth_file() -> None:
    run = Run("detection.ipynb")

    assert "univariate" in run.text("by-detector")
    assert "2 alerts" in run.text("alerts")
    assert run.text("alerts").index("/burning") < run.text("alerts").index("/quiet"), "the strongest comes first"
    (picture,) = run.pictures("picture")
    assert is_picture(picture)
    (distribution,) = run.pictures("distribution")
    assert is_picture(distribution)
    told = run.text("truth")
    assert "recall: **50%** (1 of 2 incidents)" in told
    assert "precision: **50%** (1 of 2 alerts)" in told
    assert "median delay: **120 s**" in told
    assert "cpu_saturation" in run.text("truth-kinds")
    assert "anomaly_detector" in run.text("models")
    assert "7" in run.text("models")
    assert "does not exist yet" in run.text("health")
    (backtest,) = run.pictures("made-up")
    assert is_picture(backtest)
    assert "of 4** injected anomalies were found" in run.text("judged")


def test_detection_without_a_truth_file_or_an_anomaly(settings: Settings) -> None:
    write(settings, "silver.anomaly_scores", [score("quiet", 1, 50.0, 0.1)], event_time=TIMES, scored_at=TIMES)
    checked = {
        "model_name": "anomaly_detector", "model_version": "7", "role": "champion", "checked_at": START,
        "state": "drifting", "reason": "psi 0.4", "alert_rate": 0.1, "reference_alert_rate": 0.01, "psi": 0.4,
    }  # fmt: skip
    write(settings, "gold.model_health", [checked], checked_at=TIMES)

    run = Run("detection.ipynb")

    assert "0 alerts" in run.text("alerts")
    assert "no alert to show" in run.text("picture")
    assert "There is no truth file" in run.text("truth")
    assert "drifting" in run.text("health")


@pytest.fixture
def predictions(settings: Settings) -> None:
    """A disk that is full in four days, two zones of which one is dearer, a machine at risk and one that is down."""
    hours = [minutes(60 * ahead) for ahead in range(1, 25)]
    bounds = {"lower_80": -1.0, "upper_80": 1.0, "lower_95": -2.0, "upper_95": 2.0}
    curve = [
        {"time": hour, "grain": "PT1H", "value": 80.0 + at / 5, **{k: 80 + at / 5 + by for k, by in bounds.items()}}
        for at, hour in enumerate(hours)
    ]
    point = pa.struct([("time", TIMES), ("grain", pa.string()), *((name, pa.float64()) for name in ("value", *bounds))])
    disk = {
        "series_id": 1, "resource_id": "/filling", "host_name": "filling", "metric": "disk used", "unit": "Percent",
        "dimensions": [("mount", "/var")], "last_value": 80.0, "capacity_limit": 100.0, "history_end": START,
        "days_to_full": 4.25, "days_to_full_earliest": 4.0, "days_to_full_latest": 5.0, "shown": "model",
        "model": "trend", "skill": 0.3, "reason": "", "forecast": curve, "as_of": START,
    }  # fmt: skip
    types = {"forecast": pa.list_(point), "dimensions": pa.map_(pa.string(), pa.string())}
    write(settings, "gold.capacity_forecast", [disk], **types, history_end=TIMES, as_of=TIMES)
    offer = {
        "instance_type": "m5.large", "product_description": "Linux/UNIX", "vcpus": 2, "price": 0.04, "price_24h": 0.04,
        "price_24h_lower_80": 0.03, "price_24h_upper_80": 0.05, "interruption_risk_24h": 0.02, "risk_index": 0.05,
        "shown": "naive", "as_of": START,
    }  # fmt: skip
    ranked = [("zone-dear", 2, 0.06), ("zone-cheap", 1, 0.03)]
    offers = [
        {
            **offer,
            "availability_zone": zone,
            "rank_in_type": rank,
            "rank_per_vcpu": rank,
            "expected_cost_per_hour": cost,
        }
        for zone, rank, cost in ranked
    ]
    write(settings, "gold.spot_forecast", offers, as_of=TIMES)
    rates = {f"{name}_{hours}h": 0.01 for name in ("base_rate", "brier_skill") for hours in (1, 24, 168)}
    machine = {"model_name": "hazard", "model_version": 3, "is_calibrated": True, "as_of": START, **rates}
    machines = [
        {**machine, "resource_id": f"/{host}", "host_name": host, "is_down": risk is None, "reasons": reasons}
        | dict.fromkeys(("risk_1h", "risk_24h", "risk_168h"), risk)
        for host, risk, reasons in (("shaky", 0.4, ["disk errors 12"]), ("gone", None, []), ("sound", 0.01, []))
    ]
    reasons, number = pa.list_(pa.string()), pa.float64()
    write(
        settings, "gold.failure_risk", machines, as_of=TIMES, reasons=reasons,
        risk_1h=number, risk_24h=number, risk_168h=number,
    )  # fmt: skip


@pytest.mark.usefixtures("predictions")
def test_predictions() -> None:
    run = Run("predictions.ipynb")

    assert "filling" in run.text("capacity")
    assert "4.25" in run.text("capacity")
    (curve,) = run.pictures("curve")
    assert is_picture(curve)
    assert run.text("spot").index("zone-cheap") < run.text("spot").index("zone-dear"), "by rank"
    failure = run.text("failure")
    assert failure.index("gone") < failure.index("shaky") < failure.index("sound"), "down first, then by risk"
    assert "disk errors 12" in failure


@pytest.mark.usefixtures("settings")
def test_predictions_that_were_not_made_are_said_to_be_missing() -> None:
    run = Run("predictions.ipynb")

    for cell, command in (
        ("capacity", "lakehouse forecast"),
        ("spot", "lakehouse forecast"),
        ("failure", "lakehouse failure-risk"),
    ):
        assert f"does not exist yet: `{command}` creates it" in run.text(cell)


@pytest.fixture
def gold(settings: Settings) -> None:
    """A small estate: web-03 ran hot after a deployment, db-01 is silent, Compute was dear on 27 February."""
    hand_made_gold.write_all(settings)


@pytest.mark.usefixtures("gold")
def test_fleet_health() -> None:
    run = Run("fleet_health.ipynb")

    assert "**9 resources**: 1 unavailable, 1 degraded, 1 unknown, 6 healthy." in run.text("now")
    trouble = run.text("trouble")
    assert trouble.index("db-01") < trouble.index("web-03"), "what is down comes first"
    assert "web-01" not in trouble
    (picture,) = run.pictures("days")
    assert is_picture(picture)
    assert "**Used up: orders.**" in run.text("budget"), "5,400 s of 5,184; the shop's 7,200 s are of 15,552"
    assert "db-01" in run.text("agents")
    assert "web-01" not in run.text("agents")


@pytest.mark.usefixtures("gold")
def test_an_incident_from_the_first_anomaly_to_the_cause() -> None:
    run = Run("incident.ipynb")

    story = run.text("story")
    assert "**CPU of web-03 is over 80 %** (critical): it began at 2026-03-02 10:30, was seen **3 minutes**" in story
    assert "it ended at 11:10" in story
    assert "**cpu** of **web-03** at 2026-03-02 10:30" in run.text("anomaly")
    (picture,) = run.pictures("anomaly")
    assert is_picture(picture)
    cause = "**deployment of shop 4.2 by release pipeline** (change), 4 minutes before"
    assert f"The likeliest: {cause}" in run.text("causes")
    assert "1 fired." in run.text("alerts")
    assert "db-01" not in run.text("alerts"), "another incident's alert"
    months = run.text("months")
    assert months.index("2026-03") < months.index("2026-02")
    assert "4.0" in months, "(3 + 5) / 2 minutes to detect in March"


@pytest.mark.usefixtures("gold")
def test_cost_and_savings() -> None:
    run = Run("cost_and_savings.ipynb")

    assert "**6,820.00 USD** in 30 days; most on **Amazon Elastic Compute Cloud**" in run.text("days")
    (days,) = run.pictures("days")
    assert is_picture(days)
    assert "**1 unusual day(s).**" in run.text("unusual")
    assert "160.0" in run.text("unusual")
    assert "nobody" in run.text("owners")
    assert "**380.40 USD a month**" in run.text("savings"), "310.40 and 70: another proposal for batch-01 adds nothing"
    (kinds,) = run.pictures("kinds")
    assert is_picture(kinds)
    assert "undersized" in run.text("sizes")


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("name", ["fleet_health.ipynb", "incident.ipynb", "cost_and_savings.ipynb"])
def test_gold_that_was_not_made_is_said_to_be_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here and not in a kernel of its own, which would take seconds to start."""
    shown: list[object] = []
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setattr("IPython.display.display", shown.append)
    names: dict[str, object] = {}
    for cell in nbformat.read(NOTEBOOKS / name, as_version=4).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, f"{name}, cell {cell.id}", "exec"), names)

    said = [one.data for one in shown if isinstance(one, Markdown)]
    assert len(said) == len(shown), "no table and no picture"
    assert said
    assert all("does not exist yet: `lakehouse " in one for one in said)
