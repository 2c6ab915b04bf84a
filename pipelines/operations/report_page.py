"""The report as one self-contained HTML page, and as a summary for the terminal."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import StorageError
from pipelines.operations.report import Report, Verdict

if TYPE_CHECKING:
    from rich.console import Console

_TEMPLATE = Path(__file__).with_name("report.html.j2")
_MOST_AGENTS = 12


def write_page(report: Report, path: Path) -> None:
    """Write the page. Raises StorageError naming the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_page(report), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"report {path} cannot be written: {error.strerror}") from error


def render_page(report: Report) -> str:
    # Drawing takes a second to import, which the summary does without.
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    from pipelines.operations import charts

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "bucket": charts.span_name,
        "clock": clock,
        "span": span,
        "size": size,
        "thousands": "{:,}".format,
        "short": short,
    }
    end = report.as_of or report.feed_end
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        report=report,
        verdicts=Verdict,
        most_agents=_MOST_AGENTS,
        arrivals_chart=Markup(charts.arrivals_chart(report.flows)) if report.flows else "",
        cpu_chart=Markup(charts.cpu_chart(report.cpu)) if report.cpu.times else "",
        strip_chart=Markup(charts.strip_chart(report.strips, end)) if report.strips and end else "",
        findings=[
            (finding, Markup(charts.finding_chart(finding)) if finding.points else "")
            for finding in report.findings.each
        ],
        found=found(report),
    )


def print_summary(report: Report, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    def table(title: str, *columns: str) -> Table:
        found = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for column in columns:
            left = column.lstrip("<")
            found.add_column(left, justify="left" if column.startswith("<") else "right", overflow="fold")
        return found

    arrived = table("What arrived", "<topic", "<family", "values", "records", "quarantined")
    for each in report.arrivals:
        arrived.add_row(each.topic, each.family, *(f"{n:,}" for n in (each.values, each.silver, each.quarantined)))
    refused = table("What was quarantined, and why", "count", "<reason", "<meaning")
    for refusal in report.refusals:
        refused.add_row(f"{refusal.count:,}", refusal.reason, Text(refusal.message))
    console.print(arrived, refused, sep="\n\n")
    silent = report.in_state("silent")
    if silent:
        agents = table("Silent agents", "<agent", "<last heartbeat", "<silent since", "down today", "<truth")
        for agent in silent[:_MOST_AGENTS]:
            times = (clock(agent.last_heartbeat), clock(agent.since), span(agent.downtime_seconds))
            agents.add_row(agent.host, *times, agent.verdict.value)
        console.print("", agents, sep="\n")
    states = ", ".join(f"{len(report.in_state(state))} {state}" for state in ("connected", "late", "silent"))
    console.print(f"\nagents: {states}; {compared(report)}", highlight=False)
    if report.findings.each:
        incidents = table("Incidents", "<machine", "<what", "<metric", "<began", "<first found", "after")
        for finding in report.findings.each:
            incident, at, delay = finding.incident, finding.found_at, finding.delay_seconds
            when = ("[red]missed[/red]", "") if at is None or delay is None else (clock(at), span(delay))
            what = incident.kind.replace("_", " ")
            incidents.add_row(incident.host, what, Text(incident.metric or ""), clock(incident.start), *when)
        console.print("", incidents, f"\n{found(report)}", sep="\n", highlight=False)
    busiest = table("Busiest machines", "<machine", "<family", "mean CPU", "busiest minute")
    for host in report.busiest[:5]:
        busiest.add_row(host.host, host.family, f"{host.mean:.0f} %", f"{host.peak:.0f} %")
    console.print("", busiest, sep="\n")
    if report.balances:
        items = sum(balance.items for balance in report.balances)
        wrong = [balance.topic for balance in report.balances if not balance.holds]
        verdict = (
            f"[red]does not hold for {', '.join(wrong)}[/red]" if wrong else "[green]holds for every topic[/green]"
        )
        console.print(f"\n{items:,} items = silver + duplicates + quarantined + ignored: {verdict}", highlight=False)


def compared(report: Report) -> str:
    """The silent agents against the truth, in a sentence."""
    check = report.check
    if check is None:
        return "no truth file to compare with"
    sentence = (
        f"of the agents that really fell silent {check.found} found, {len(check.missed)} missed, "
        f"{check.false} false alarms"
    )
    if check.too_young:
        sentence += f", {check.too_young} too recent to tell"
    if check.ended:
        sentence += f"; of {check.ended} silences that ended today, {check.ended_seen} show as downtime"
    return sentence


def found(report: Report) -> str:
    """The alerts against the truth, in a sentence."""
    findings = report.findings
    if findings.recall is None:
        return "no incident in a metric to find"
    sentence = f"incidents: {findings.found} of {len(findings.each)} found (recall {findings.recall:.0%})"
    if findings.median_delay_seconds is not None:
        sentence += f", after {span(findings.median_delay_seconds)} in the median"
    if findings.precision is None:
        return f"{sentence}; no alert at all"
    return (
        f"{sentence}; {findings.right} of {findings.alerts} alerts at an incident (precision {findings.precision:.0%})"
    )


def clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}"


def span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def size(amount: int) -> str:
    return f"{amount / 1e6:,.1f} MB" if amount >= 1e5 else f"{amount / 1e3:,.1f} kB"


def short(text: str, length: int = 160) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
