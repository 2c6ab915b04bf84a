"""Where a reader is: the page and what was chosen on it, all of it in the address, so that it can be shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode


@dataclass(frozen=True)
class Address:
    """`chosen`: the parameters of the query string, none of them empty."""

    path: str
    chosen: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, path: str | None, search: str | None) -> Address:
        """What the browser's address bar says."""
        trimmed = "/" + (path or "/").strip("/")
        return cls(trimmed, tuple(dict(parse_qsl((search or "").lstrip("?"))).items()))

    def get(self, name: str) -> str | None:
        return dict(self.chosen).get(name)

    def one_of(self, name: str, options: tuple[str, ...], otherwise: str) -> str:
        """What was chosen, if it can be; nobody is to see an error for an old link."""
        found = self.get(name)
        return found if found in options else otherwise

    def number(self, name: str, otherwise: int) -> int:
        """A whole number above zero."""
        found = self.get(name) or ""
        return int(found) if found.isdecimal() and 0 < len(found) < 7 and int(found) > 0 else otherwise

    def link(self, changes: Mapping[str, str | None]) -> str:
        """The same place with other choices; None takes one away."""
        merged = {name: value for name, value in (dict(self.chosen) | dict(changes)).items() if value}
        return self.path + (f"?{urlencode(merged)}" if merged else "")
