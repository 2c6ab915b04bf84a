"""Which delivery of a cost report a file is part of: the current costs count one delivery of a billing period, whole.

AWS and Azure write the files of a delivery into one folder, and each delivery that they keep into another: `data/
BILLING_PERIOD=2026-09/<run>/…-00001.csv.gz`, `20260901-20260930/<run>/part_0_0001.csv`. So the files of a folder are
one delivery. Its name is made of their content: the same files sent again are the same delivery, changed ones another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipelines.errors import SendError
from pipelines.sources.costs.layout import DELIVERY, key

COLUMN = DELIVERY[0]
_GIVEN = frozenset(map(key, DELIVERY))
# What the decoders of cost reports know one by.
_COSTS = frozenset(
    {"billedcost", "lineitemunblendedcost", "lineitemlineitemtype", "costinbillingcurrency", "pretaxcost"}
)
_BARE_COST = "cost"
_DATES = frozenset({"date", "usagedate", "usagedatetime"})


def files_in(paths: Iterable[Path]) -> list[Path]:
    """The files, and those in the folders, at any depth, sorted; names with a dot or `_` in front are not data.

    Raises SendError if a path does not exist or a folder holds nothing.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith((".", "_")))
            if not inside:
                raise SendError(f"{path}: there is no file in this folder")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise SendError(f"{path}: there is no such file")
    return list(dict.fromkeys(found))


def deliveries(files: Sequence[Path]) -> Mapping[Path, str]:
    """Folder → the name of the delivery that its files are.

    Raises SendError if a file cannot be read.
    """
    digests: dict[Path, list[str]] = {}
    for path in files:
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise SendError(f"{path}: cannot be read: {error.strerror}") from error
        digests.setdefault(path.parent, []).append(digest)
    return {
        folder: f"files-{hashlib.sha256(' '.join(sorted(some)).encode()).hexdigest()[:24]}"
        for folder, some in digests.items()
    }


def lacks_delivery(names: Iterable[str]) -> bool:
    """Whether these are the columns of a cost report that does not say which delivery it is."""
    keys = {key(name) for name in names}
    is_cost = bool(keys & _COSTS) or (_BARE_COST in keys and bool(keys & _DATES))
    return is_cost and not keys & _GIVEN
