from dash import html

from pipelines.dashboard.address import Address
from pipelines.dashboard.answers import Answers
from pipelines.dashboard.layout.blocks import Child


def page(at: Address, answers: Answers) -> Child:
    return [html.H1("Cost", tabIndex=-1)]
