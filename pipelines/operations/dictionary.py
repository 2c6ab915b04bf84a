"""docs/data-dictionary.md, written from the table contracts: `python -m pipelines.operations.dictionary`.

With `--check` nothing is written, and the exit code is 1 if the file is not what the contracts say.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path

from rich.console import Console

from pipelines.rules import TableCheck
from pipelines.settings import PROJECT_DIR
from pipelines.tables import LAYERS, Column, Table, all_contracts

PATH = PROJECT_DIR / "docs" / "data-dictionary.md"

_HEAD = """# Data dictionary

What every table answers and every column means. Written by `make docs` from the contracts in `schemas/tables`: correct
those, not this page. All times are UTC.
"""
_ACTIONS = (
    "A row that breaks a rule goes to `silver.quarantine` instead (*quarantine*), is here all the same and counted "
    "(*warn*), or stops the stream before anything is written (*fail*). `gold.quality` has the counts."
)
_LAYER_PURPOSE = {
    "bronze": "What arrived, as it arrived.",
    "silver": "Records: decoded, validated, deduplicated, in one vocabulary (OpenTelemetry's).",
    "gold": "Answers to what people ask.",
}


def render(tables: tuple[Table, ...]) -> str:
    """The whole page, in Markdown."""
    parts = [_HEAD, _contents(tables)]
    for layer in LAYERS:
        of_layer = [table for table in tables if table.layer == layer]
        if of_layer:
            parts += [f"## {layer}\n\n{_LAYER_PURPOSE[layer]}\n", *map(_section, of_layer)]
    return "\n".join(parts)


def is_current(path: Path = PATH) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == render(all_contracts())


def _contents(tables: tuple[Table, ...]) -> str:
    rows = [f"| [{table.full_name}](#{_anchor(table)}) | {_cell(table.question)} |" for table in tables]
    return "\n".join(["| Table | The question it answers |", "| --- | --- |", *rows, ""])


def _section(table: Table) -> str:
    facts = [
        f"- **Grain**: {table.grain}",
        f"- **Key**: {_codes(table.keys)}",
        f"- **Clustered by**: {_codes(table.cluster_by)}",
        f"- **Kept for**: {table.retention_days} days",
    ]
    columns = [_column(column) for column in table.columns]
    lines = [
        f"### {table.full_name}\n\n{table.question}\n",
        *facts,
        "\n| Column | Type | Null | What it holds |",
        "| --- | --- | --- | --- |",
        *columns,
    ]
    if table.rules:
        rules = [
            f"| `{rule.reason}` | {rule.action} | {_cell(rule.message)} | `{_cell(rule.condition)}` |"
            for rule in table.rules
        ]
        lines += [
            f"\n{_ACTIONS}\n",
            "| Rule | Action | What is wrong | What a good row is |",
            "| --- | --- | --- | --- |",
            *rules,
        ]
    if table.checks:
        checks = [
            f"| `{check.id}` | {_kind(check)} | {check.severity} | {_cell(check.message)} | {_parameters(check)} |"
            for check in table.checks
        ]
        lines += [
            "\n`lakehouse check` also looks for nulls in columns that have none, and at:\n",
            "| Check | Kind | Severity | What a failure means | Of what |",
            "| --- | --- | --- | --- | --- |",
            *checks,
        ]
    return "\n".join([*lines, ""])


def _column(column: Column) -> str:
    unit = f" [{column.unit}]" if column.unit else ""
    null = "no" if column.required else "yes"
    return f"| `{column.name}` | `{column.type}` | {null} | {_cell(column.comment)}{unit} |"


def _kind(check: TableCheck) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(check).__name__).strip()


def _parameters(check: TableCheck) -> str:
    common = {field.name for field in fields(TableCheck)}
    own = ((field.name, getattr(check, field.name)) for field in fields(check) if field.name not in common)
    return ", ".join(
        f"{name.replace('_', ' ')} `{', '.join(value) if isinstance(value, list) else value}`" for name, value in own
    )


def _codes(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _anchor(table: Table) -> str:
    """As GitHub makes one of a heading: dots vanish."""
    return table.full_name.replace(".", "")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pipelines.operations.dictionary", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the file is out of date")
    console = Console(soft_wrap=True)
    if parser.parse_args(arguments).check:
        if is_current():
            return 0
        console.print("docs/data-dictionary.md is not what the contracts say: run `make docs`")
        return 1
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(render(all_contracts()), encoding="utf-8")
    console.print("wrote docs/data-dictionary.md", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
