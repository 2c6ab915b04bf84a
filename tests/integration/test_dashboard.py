"""The dashboard in a real browser, over gold made by hand: what a reader sees, hears, and can do without a mouse."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from pipelines.dashboard.server import listen, serve
from pipelines.errors import ServiceError
from pipelines.settings import PROJECT_DIR, Settings, load_settings
from tests import hand_made_gold
from tests.conftest import wait_until
from tests.hand_made_estate import ec2, vm

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright", reason="the browser tests need `playwright`, of the dev dependencies")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None and not os.environ.get("CI"):
    pytest.skip("there is no chromium here: `apt-get install chromium`", allow_module_level=True)

PAGES = {
    "/": "Fleet",
    "/incidents": "Incidents",
    "/alerts": "Alerts",
    "/series": "Series",
    "/security": "Security",
    "/compliance": "Compliance",
    "/forecasts": "Forecasts",
    "/cost": "Cost",
    "/savings": "Savings",
    "/quality": "Data quality",
    "/pipeline": "Pipeline",
}
_CUT_OFF = (
    "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth)"
    ".map(one => one.getAttribute('aria-label'))"
)
_PATIENCE = 20_000  # milliseconds, on a machine that does other things


@dataclass
class Watched:
    """A page of the browser, and what it said and asked for."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, path: str) -> Watched:
        self.page.goto(self.base + path)
        self.page.wait_for_selector("main h1", timeout=_PATIENCE)
        return self

    def drawn(self) -> Watched:
        """Until no chart is left to draw."""
        self.until("[...document.querySelectorAll('.graph')].every(one => one.querySelector('.main-svg'))")
        return self

    def until(self, condition: str) -> None:
        """Asked again and again: the page's own policy forbids the browser's client to wait inside of it."""
        wait_until(lambda: bool(self.page.evaluate(condition)), _PATIENCE / 1000, condition)

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def focused(self) -> str:
        """What has the focus: its text or id."""
        told = (
            "(document.activeElement.innerText || document.activeElement.id || document.activeElement.tagName).trim()"
        )
        return str(self.page.evaluate(told))


def settings_at(root: Path) -> Settings:
    return load_settings("local", {"LAKEHOUSE_ROOT": str(root)})


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = settings_at(tmp_path_factory.mktemp("dashboard"))
    hand_made_gold.write_all(settings)
    return settings


def served(settings: Settings) -> Iterator[str]:
    listening = listen("127.0.0.1", 0)
    server = serve(settings, listening)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    listening.close()


@pytest.fixture(scope="module")
def base(settings: Settings) -> Iterator[str]:
    yield from served(settings)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "CI is to have chromium: `apt-get install chromium`"
    with sync_playwright() as playwright:
        # In a container there is often no user namespace for the sandbox; only this test's own pages are opened.
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


def watch(browser: Browser, base: str, **context: object) -> Watched:
    page = browser.new_context(**context).new_page()  # type: ignore[arg-type]
    watched = Watched(page, base)
    page.on("console", lambda said: watched.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    page.on("request", lambda request: watched.asked.append(request.url))
    return watched


@pytest.fixture
def reader(browser: Browser, base: str) -> Iterator[Watched]:
    watched = watch(browser, base)
    yield watched
    watched.page.context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_and_asks_nobody_else(browser: Browser, base: str, path: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    reader = watch(browser, base, color_scheme="dark" if path == "/series" else "light").open(path).drawn()

    assert reader.text("h1") == PAGES[path]
    reader.until(f"document.title === '{PAGES[path]} · Telemetry lakehouse'")
    assert reader.page.locator("nav [aria-current=page]").inner_text() == PAGES[path]
    assert reader.page.locator(".failure").count() == 0
    assert reader.page.get_by_text("has not been made yet").count() == 0
    assert reader.page.evaluate(_CUT_OFF) == [], "a table that is wider than a screen of 1,280"
    violations = Axe().run(reader.page).response["violations"]
    grave = [f"{one['id']}: {one['help']}" for one in violations if one["impact"] in ("serious", "critical")]
    assert grave == []
    assert [url for url in reader.asked if not url.startswith((base, "data:", "blob:"))] == []
    assert reader.complaints == []
    reader.page.context.close()


def test_the_fleet_page_is_there_within_two_seconds(browser: Browser, base: str) -> None:
    watch(browser, base).open("/").page.context.close()
    reader = watch(browser, base)

    reader.page.add_init_script(
        "new MutationObserver(() => { if (!window.seen && document.querySelector('#resources tbody tr')) "
        "window.seen = performance.now() }).observe(document, {childList: true, subtree: true})"
    )
    reader.open("/")
    reader.until("window.seen > 0")
    milliseconds = reader.page.evaluate("window.seen")
    reader.page.context.close()

    print(f"fleet page, from the start of navigation to its list: {milliseconds:.0f} ms")
    assert milliseconds < 2_000


def test_which_resources_are_in_trouble(reader: Watched) -> None:
    reader.open("/")

    facts = reader.text("#map .facts").split()
    assert facts[facts.index("unavailable") - 1] == "1" or facts[facts.index("unavailable") + 1] == "1"
    first = reader.text("#resources tbody tr:first-child")
    assert "db-01" in first
    assert "unavailable" in first
    assert "1 h 30 min" in first
    assert reader.page.get_by_role("img", name="orders: 1 unavailable, 1 healthy").count() == 1


def test_filters_and_order_are_in_the_address(reader: Watched) -> None:
    reader.open("/")
    reader.page.select_option("#filter-owner", "web team")
    reader.page.click("#filter-show")
    reader.page.wait_for_url("**/?by=service&owner=web+team", timeout=_PATIENCE)
    reader.until("document.querySelectorAll('#resources tbody tr').length === 6")
    reader.page.click("#resources-sort-0")
    reader.page.wait_for_selector("th[aria-sort=ascending]", timeout=_PATIENCE)

    assert reader.text("#resources tbody tr:first-child a") == "web-01"
    shared = watch(reader.page.context.browser, reader.base)  # type: ignore[arg-type]
    shared.open(reader.page.url.removeprefix(reader.base))
    assert shared.page.locator("#resources tbody tr").count() == 6
    assert shared.page.locator("#filter-owner").input_value() == "web team"
    shared.page.context.close()
    reader.page.go_back()
    reader.page.wait_for_selector("th[aria-sort=none]", timeout=_PATIENCE)


def test_a_series_with_its_band_and_anomalies(reader: Watched) -> None:
    reader.open("/series").drawn()

    assert "41 anomalies" in reader.text("#values-summary")
    assert "2026-03-02 10:30: 93 where" in reader.text("#values-summary")
    (row,) = reader.page.locator("#anomalies tbody tr").all_inner_texts()
    assert "2026-03-02 10:30" in row
    assert "2026-03-02 11:10" in row
    assert {"measured", "expected", "usual band", "anomaly"} <= set(
        reader.page.locator("#values .legendtext").all_text_contents()
    )
    reader.page.get_by_text("Numbers: cpu of web-03").click()
    assert reader.page.locator("#values tbody tr").count() == 200


def test_a_series_of_the_resource_that_was_asked_for(reader: Watched) -> None:
    reader.open(f"/series?resource={vm('web-01')}").drawn()

    assert "cpu of web-01" in reader.text("#values figcaption")
    assert "0 anomalies" in reader.text("#values-summary")


def test_what_was_refused_and_what_the_checks_found(reader: Watched) -> None:
    reader.open("/quality").drawn()

    assert "42" in reader.text("#quarantine .facts")
    assert reader.text("#refused tbody tr:first-child").split("\t")[0] == "malformed_json"
    assert "silver.costs" in reader.text("#check-list tbody tr:first-child")
    assert "failed" in reader.text("#check-list tbody tr:first-child")
    assert "value_is_finite" in reader.text("#rule-list tbody tr:first-child")
    assert "drifting" in reader.text("#model-list")


def test_whether_the_streams_keep_up(reader: Watched) -> None:
    reader.open("/pipeline").drawn()

    rows = reader.page.locator("#streams tbody tr").all_inner_texts()
    assert [row.split("\t")[0] for row in rows] == ["bronze", "silver", "gold_metric_rollup"]
    assert "120 records" in rows[0]
    assert "2 commits" in rows[1]
    assert "9,000 rows, 4.9 MB" in rows[1]
    assert reader.text("#measures-summary") == "The most: silver, 9.1 s at 2026-03-02 09:00."
    reader.page.select_option("#measure-of-measure", "rows")
    reader.page.click("#measure-of-show")
    reader.page.wait_for_url("**/pipeline?measure=rows&hours=24", timeout=_PATIENCE)
    reader.until("document.querySelector('#measures-summary').innerText.includes('rows/s')")


def test_what_happened_who_did_it_and_what_the_record_says(reader: Watched) -> None:
    reader.open("/security").drawn()

    rows = reader.page.locator("#finding-list tbody tr").all_inner_texts()
    assert len(rows) == 11
    assert "Cloud Administration Command" in rows[0], "the newest first"
    assert "stopped the trail audit-trail" in reader.text("#finding-title"), (
        "the gravest, as long as no other is chosen"
    )
    reader.page.click("#finding-brute_force-130")
    reader.until("document.querySelector('#finding-title').innerText.startsWith('203.0.113.7 failed to sign in 40')")
    reader.until("document.activeElement.innerText === 'What does the record say?'")
    reader.page.select_option("#filter-severity", "critical")
    reader.page.click("#filter-show")
    reader.until("document.querySelectorAll('#finding-list tbody tr').length === 1")
    assert "T1562.008" in reader.text("#technique-list tbody tr")
    assert reader.text("#actor-list tbody tr").startswith("mallory@example.com")


def test_what_drifted_who_changed_it_and_what_it_broke(reader: Watched) -> None:
    reader.open("/compliance").drawn()

    assert reader.text("#scores-summary") == "On 2026-03-02: orders 86.7 %, shop 91.7 %."
    assert reader.text("#control-list tbody tr:first-child").startswith("Windows Defender is running")
    drift = reader.text("#drift-list tbody tr:first-child")
    assert "Stopped" in drift
    assert "mallory@example.com" in drift
    assert "2 alerts, first HighCpu; 41 anomalies" in drift
    reader.page.click("#control-audit-rules")
    reader.until("document.querySelectorAll('#drift-list tbody tr').length === 1")
    assert "db-02" in reader.text("#drift-list tbody tr")


def test_what_needs_somebody_now(reader: Watched) -> None:
    reader.open("/")

    assert "7 of 8 figures need a look." in reader.text("#watch")
    reader.page.get_by_role("link", name="critical controls not kept").click()
    reader.until("document.activeElement.innerText === 'Compliance'")


def test_what_went_wrong_and_what_caused_it(reader: Watched) -> None:
    reader.open("/incidents").drawn()

    assert "db-01 is silent" in reader.text("#incident-list tbody tr:first-child"), "what is open comes first"
    assert "db-01 is silent" in reader.text("#incident-title"), "and is told of, as long as no other is chosen"
    reader.page.click("#incident-hot")
    reader.until("document.querySelector('#incident-title').innerText.startsWith('CPU of web-03')")
    cause = reader.text("#causes tbody tr:first-child")
    assert "deployment of shop 4.2 by release pipeline" in cause
    assert "4 minutes before the first symptom" in cause
    assert reader.page.locator("#evidence tbody tr").count() == 3
    assert reader.text("#month-list tbody tr:first-child").split("\t") == ["2026-03", "2", "1", "4 min", "40 min"]


def test_what_it_costs(reader: Watched) -> None:
    reader.open("/cost").drawn()

    summary = "Most was spent on Amazon Elastic Compute Cloud: 3,160 USD (46.3 %) of 6,820 USD."
    assert reader.text("#costs-days-summary") == summary
    assert "260.00 USD" in reader.text("#dear tbody tr")
    assert "+25.0 %" in reader.text("#unit-list tbody tr:nth-child(2)")
    reader.page.select_option("#costs-by", "owner")
    reader.page.select_option("#costs-currency", "EUR")
    reader.page.click("#costs-show")
    reader.until(
        "document.querySelector('#costs-days-summary').innerText.startsWith('Most was spent on not known: 90')"
    )


def test_what_could_be_saved(reader: Watched) -> None:
    reader.open("/savings")

    assert "380.40" in reader.text("#savings .facts")
    assert "end what is idle" in reader.text("#saving-list tbody tr:first-child")
    assert "CPU p95 is 1.2 %" in reader.text("#saving-list tbody tr:first-child")
    assert "undersized" in reader.text("#size-list")


def test_what_will_be_full_and_what_may_fail(reader: Watched) -> None:
    reader.open("/forecasts").drawn()

    assert "It is full in 4.2 days, about 2026-03-06 18:00." in reader.text("#fan-summary")
    assert "six hours are known" in reader.text("#capacities")
    risks = reader.page.locator("#risks tbody tr").all_inner_texts()
    assert ["db-01" in risks[0], "web-03" in risks[1], "34.0 %" in risks[1]] == [True] * 3
    assert "eu-west-1b" in reader.text("#offers tbody tr:first-child")


def test_which_alerts_fire(reader: Watched) -> None:
    reader.open("/alerts").drawn()

    rows = reader.page.locator("#active tbody tr").all_inner_texts()
    assert len(rows) == 2, "the one that was resolved is not among them"
    assert "AgentSilent" in rows[0]
    assert "db-01 has been silent for 85 minutes" in rows[0]
    assert "pending" in rows[1]
    link = reader.page.get_by_role("link", name=ec2("01").rpartition("/")[2]).first
    assert link.get_attribute("href", timeout=_PATIENCE).startswith("/series?resource=arn")  # type: ignore[union-attr]


def test_without_a_mouse(reader: Watched) -> None:
    reader.open("/")
    page = reader.page

    page.keyboard.press("Tab")
    assert reader.focused() == "Skip to the content"
    assert page.locator(".skip").bounding_box()["x"] >= 0, "seen once it has the focus"  # type: ignore[index]
    page.keyboard.press("Enter")
    reader.until("document.activeElement.id === 'content'")
    page.keyboard.press("Tab")
    assert reader.focused() == "open incidents", "the first thing in the content"

    page.focus("#to-alerts")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus is seen"
    page.keyboard.press("Enter")
    reader.until("document.activeElement.innerText === 'Alerts'")
    assert page.url.endswith("/alerts")

    page.focus("#transitions-sort-3")
    page.keyboard.press("Enter")
    page.wait_for_selector("#transitions th[aria-sort=ascending]", timeout=_PATIENCE)
    reader.until("document.activeElement.id === 'transitions-sort-3'")


def test_on_a_telephone_nothing_is_cut_off(browser: Browser, base: str) -> None:
    reader = watch(browser, base, viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    for path in PAGES:
        reader.open(path).drawn()
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= 390, path
    reader.page.context.close()


def test_where_there_is_no_table_the_page_says_what_makes_it(browser: Browser, tmp_path: Path) -> None:
    serving = served(settings_at(tmp_path))
    reader = watch(browser, next(serving))

    for path in PAGES:
        reader.open(path)
        assert reader.page.get_by_text("has not been made yet").count() > 0, path
        assert reader.page.locator("main code").first.inner_text().startswith("lakehouse ")
    assert reader.complaints == []
    reader.page.context.close()
    next(serving, None)


def test_a_page_that_is_not_there(reader: Watched) -> None:
    assert reader.open("/nothing").text("h1") == "No such page"


def get(url: str, **headers: str) -> tuple[int, Message]:
    try:
        with urlopen(Request(url, headers=headers), timeout=10) as response:
            return response.status, response.headers
    except HTTPError as error:
        with error:
            return error.code, error.headers


def test_only_this_machine_is_answered_and_no_page_may_frame_it(base: str) -> None:
    status, headers = get(base)

    assert status == 200
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert get(base, Host="rebound.example")[0] == 400


def test_the_command_says_where_it_is_and_ends_when_asked(settings: Settings) -> None:
    command = "import typer; from pipelines.cli.dashboard import dashboard; typer.run(dashboard)"
    environ = os.environ | {"LAKEHOUSE_ROOT": str(settings.root), "PYTHONPATH": str(PROJECT_DIR)}
    process = subprocess.Popen(
        [sys.executable, "-c", command, "--port", "0"], stdout=subprocess.PIPE, text=True, env=environ
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        address = said.removeprefix("the dashboard is at ").strip()
        assert get(address)[0] == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert "ended" in process.stdout.read()
    finally:
        process.kill()
        process.wait()


def test_a_port_that_is_taken_is_said_with_what_to_do(settings: Settings) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ServiceError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .* `lakehouse dashboard --port`"
        ):
            listen("127.0.0.1", port)
