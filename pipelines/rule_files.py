"""Files of rules in conf/: YAML, validated by pydantic, refused with the name of the rule and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from pipelines.errors import SettingsError

Content = TypeVar("Content", bound=BaseModel)


@dataclass(frozen=True)
class Listed:
    """What a file is a list of: the member that holds it, what one is called, and the field that names it."""

    member: str
    one: str
    named_by: str


def read_rules(path: Path, model: type[Content], listed: Listed) -> Content:
    """The file as `model`. Raises SettingsError, which names file, rule and field, and what would be right."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return model.model_validate(content)
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: cannot be read as YAML: {error}") from error
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(path, content, detail, listed) for detail in error.errors())) from error


def check_names(path: Path, names: Iterable[str], listed: Listed) -> None:
    """Raises SettingsError if one of the names is there twice."""
    names = list(names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingsError(
            f"{path}: {listed.one} {twice[0]} is there twice: give one of them another {listed.named_by}"
        )


def _explain(path: Path, content: Any, detail: Any, listed: Listed) -> str:
    place = list(detail["loc"])
    if place[:1] == [listed.member] and len(place) > 1:
        one = content[listed.member][place[1]]
        name = one.get(listed.named_by, place[1]) if isinstance(one, dict) else place[1]
        place[:2] = [f"{listed.one} {name}"]
    said = detail["msg"].removeprefix("Value error, ")
    return f"{path}: {'.'.join(str(part) for part in place) or 'the file'} is {detail['input']!r:.200}: {said}"
