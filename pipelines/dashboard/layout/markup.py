"""What does not change once it is shown goes to the browser as HTML, and not as components.

The browser's side of Dash takes milliseconds for each component: a table of a thousand cells would take seconds.
`assets/markup.js` puts the HTML in its place.
"""

from __future__ import annotations

from html import escape
from typing import Any

from dash.development.base_component import Component

from pipelines.dashboard.layout.blocks import Child

_HTML = "dash_html_components"
_ATTRIBUTES = {"className": "class", "htmlFor": "for"}
_NOT_ATTRIBUTES = {"children", "key"}


def light(child: Child) -> Child:
    """The same content, with HTML in place of all components but charts, and what they are in."""
    if isinstance(child, list | tuple):
        return [light(one) for one in child]
    if not isinstance(child, Component):
        return child
    children = getattr(child, "children", None)
    if _is_live(child):
        if children is not None:
            child.children = light(children)
    elif children is not None and not isinstance(children, str):
        setattr(child, "data-html", to_html(children))
        child.children = None
    return child


def to_html(child: Child) -> str:
    """Texts and attributes are escaped: whatever a table holds, it is shown and never run."""
    if child is None:
        return ""
    if isinstance(child, list | tuple):
        return "".join(map(to_html, child))
    if not isinstance(child, Component):
        return escape(str(child))
    described: dict[str, Any] = child.to_plotly_json()  # type: ignore[no-untyped-call]
    tag, props = str(described["type"]).lower(), described["props"]
    attributes = "".join(_attribute(name, value) for name, value in props.items() if name not in _NOT_ATTRIBUTES)
    return f"<{tag}{attributes}>{to_html(props.get('children'))}</{tag}>"


def _attribute(name: str, value: Any) -> str:
    return "" if value is None else f' {_ATTRIBUTES.get(name, name.lower())}="{escape(str(value))}"'


def _is_live(child: Child) -> bool:
    if isinstance(child, list | tuple):
        return any(map(_is_live, child))
    if not isinstance(child, Component):
        return False
    return child._namespace != _HTML or _is_live(getattr(child, "children", None))
