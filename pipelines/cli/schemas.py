"""`lakehouse schemas`: the contracts of our Avro topics, and their registration."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.cli.services import Env
from pipelines.settings import load_settings


class Action(StrEnum):
    """What to do with the contracts."""

    LIST = "list"
    CHECK = "check"
    REGISTER = "register"


def schemas(
    action: Annotated[
        Action, typer.Argument(help="list them, check that each reads what the one before wrote, or register")
    ] = Action.LIST,
    *,
    env: Env = "local",
) -> None:
    """The Avro contracts of our own topics (`schemas/avro`): list, check or register them.

    `check` needs no registry: exit code 1 if a version could not read what the one before it wrote (BACKWARD).

    Registered are all versions of each topic, in order, under BACKWARD compatibility; one that is not compatible stops
    with exit code 1 and says why. What is registered already keeps its id, so it may run at every deployment. The
    embedded registry is started by `lakehouse up --registry`; SCHEMA_REGISTRY_URL names another.
    """
    from pipelines.local import services
    from pipelines.operations.avro_compatibility import check
    from pipelines.operations.avro_contracts import COMPATIBILITY, avro_contracts, register

    settings, console, contracts = load_settings(env), Console(), avro_contracts()
    if action is Action.CHECK:
        check(contracts)
        console.print(f"{len(contracts)} schemas, each version {COMPATIBILITY} compatible with the one before it")
        return
    table = Table(box=None, pad_edge=False)
    if action is Action.LIST:
        for column in ("topic", "version", "file"):
            table.add_column(column)
        for contract in contracts:
            table.add_row(contract.topic, str(contract.version), f"schemas/avro/{contract.path.name}")
    else:
        for column in ("subject", "version", "id"):
            table.add_column(column)
        for done in register(services.registry_url(settings), contracts):
            table.add_row(done.contract.subject, str(done.contract.version), str(done.schema_id))
    console.print(table)
