"""Masked messages get the pattern they are cases of, under a name that stays."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pipelines.detection.logs import templates as log_templates
from pipelines.detection.logs.templates import Miner, MinerError, MinerRules, Pattern

RULES = MinerRules()
MESSAGES = [
    *(f"Accepted publickey for {user} from <ip> port <num>" for user in ("root", "deploy", "admin")),
    *(f"Started service {name} in <num> seconds" for name in ("nginx", "redis", "postgres")),
    "Out of memory: killed process <num>",
    "",
]


def test_messages_that_differ_in_a_word_are_one_pattern() -> None:
    root, deploy, other = Miner([], RULES).assign([MESSAGES[0], MESSAGES[1], MESSAGES[6]])

    assert root == deploy
    assert root.template == "Accepted publickey for <*> from <ip> port <num>"
    assert other.template == MESSAGES[6]


def test_the_name_of_a_pattern_stays_when_its_template_grows() -> None:
    (young,) = Miner([], RULES).assign([MESSAGES[0]])
    (grown,) = Miner([young], RULES).assign([MESSAGES[1]])

    assert grown.pattern_id == young.pattern_id
    assert grown.template != young.template


def test_a_known_message_keeps_its_pattern_whatever_else_is_learned() -> None:
    known = dict(zip(MESSAGES, Miner([], RULES).assign(MESSAGES), strict=True))
    again = Miner(dict.fromkeys(known.values()), RULES).assign([*reversed(MESSAGES), "something else entirely"])

    ids = [known[message].pattern_id for message in reversed(MESSAGES)]
    assert [pattern.pattern_id for pattern in again[:-1]] == ids
    assert again[-1].pattern_id not in ids


@pytest.mark.parametrize("seed", range(5))
def test_a_miner_that_was_saved_goes_on_as_one_that_was_not(seed: int) -> None:
    chance = random.Random(seed)
    words = ["disk", "net", "cpu", "error", "warn", "lost", "found", "up", "down", "slow"]
    messages = [" ".join(chance.choices(words, k=chance.randint(2, 6))) for _ in range(400)]
    kept = Miner([], RULES)
    first = kept.assign(messages[:200])
    saved: dict[str, Pattern] = {}
    for pattern in first:
        saved.setdefault(pattern.founder, pattern)

    loaded = Miner(saved.values(), RULES)

    assert loaded.assign(messages[200:]) == kept.assign(messages[200:])


def test_without_drain3_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(log_templates, "import_module", absent)

    with pytest.raises(MinerError, match=r"pip install 'telemetry-lakehouse\[logs\]'"):
        Miner([], RULES)
