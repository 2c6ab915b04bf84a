"""An incident, printed as somebody would tell it."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from pipelines.operations.incident_story import Story
from pipelines.operations.report_page import clock, span

_MOST_CAUSES, _MOST_ALERTS = 3, 4


def print_story(story: Story | None, console: Console) -> None:
    """What happened, why, and who was told; or that there is nothing to tell."""
    if story is None:
        console.print("\nno incident in gold.incidents")
        return
    console.print("\n[bold]An incident, from its beginning to who was told[/bold]")
    until = "goes on" if story.resolved_at is None else f"over at {clock(story.resolved_at)}"
    lines = [
        f"what      {story.title}",
        f"when      began {clock(story.started_at)}, found {clock(story.detected_at)} "
        f"(after {span(story.detect_seconds)}), {until}",
        f"severity  {story.severity}",
    ]
    for rank, cause in enumerate(story.causes[:_MOST_CAUSES], 1):
        lines.append(f"{'cause' if rank == 1 else '':9} {rank}. {clock(cause.at)} {cause.what}: {cause.why}")
    for number, alert in enumerate(story.alerts[:_MOST_ALERTS]):
        told = f"{clock(alert.at)} {alert.name} {alert.state}: {alert.summary}"
        lines.append(f"{'' if number else 'told':9} {told}")
    for line in lines:
        console.print(Text(line), soft_wrap=True)
    console.print(
        f"gold.incidents has {story.incidents:,}, {story.alerted:,} of them with alerts",
        highlight=False,
        soft_wrap=True,
    )
