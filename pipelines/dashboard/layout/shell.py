"""The frame of all pages: skip link, navigation, and the place where a page goes."""

from __future__ import annotations

from dash import dcc, html

from pipelines.dashboard.layout.aria import aria

# What goes wrong now first, then what may, then what it costs, then whether these pages can be believed.
PAGES = (
    ("/", "Fleet"),
    ("/incidents", "Incidents"),
    ("/alerts", "Alerts"),
    ("/series", "Series"),
    ("/security", "Security"),
    ("/compliance", "Compliance"),
    ("/forecasts", "Forecasts"),
    ("/cost", "Cost"),
    ("/savings", "Savings"),
    ("/quality", "Data quality"),
    ("/pipeline", "Pipeline"),
)

INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<title>{%title%}</title>
{%favicon%}
{%css%}
</head>
<body>
{%app_entry%}
{%config%}{%scripts%}{%renderer%}
</body>
</html>
"""


def shell() -> html.Div:
    return html.Div(
        [
            dcc.Location(id="address", refresh=False),
            html.A("Skip to the content", href="#content", className="skip"),
            html.Header(
                [
                    html.P("Telemetry lakehouse", className="brand"),
                    html.Nav(id="navigation", **aria(label="Pages"), children=navigation("/")),
                ]
            ),
            html.Main(html.P("Loading …", role="status"), id="content", tabIndex=-1),
            html.P(id="arrived", role="status", className="unseen"),
        ]
    )


def navigation(path: str) -> html.Ul:
    return html.Ul([html.Li(_link(to, name, path)) for to, name in PAGES])


def _link(to: str, name: str, path: str) -> html.A:
    current = aria(current="page") if to == path else {}
    return html.A(name, href=to, id=f"to-{name.split()[-1].lower()}", **current)
