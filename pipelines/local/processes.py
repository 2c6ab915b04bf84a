"""Detached child processes: in a session of their own, found again by pid and creation time, ended for certain."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from pipelines.errors import ServiceError

# Seconds by which two readings of one creation time may differ (it is derived from the boot time, which clocks adjust).
_CLOCK_SLACK = 2.0
_TAIL_BYTES = 64 * 1024
# Keeps our own children until they are reaped, so that none is left as a zombie while this process lives.
_started_here: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Child:
    """A process that we started. `created` (epoch seconds) tells it from a later process with the same pid."""

    pid: int
    created: float


def start(command: Sequence[str | Path], log: Path, cwd: Path, environment: Mapping[str, str]) -> Child:
    """Start `command` in its own session, so that neither Ctrl-C nor the end of a terminal reaches it.

    Its output goes to `log`, and that of the start before to `<log>.1`. Raises ServiceError if it cannot be started.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        cwd.mkdir(parents=True, exist_ok=True)
        if log.exists():
            log.replace(log.with_name(f"{log.name}.1"))
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**os.environ, **environment},
                start_new_session=True,
            )
    except OSError as error:
        raise ServiceError(f"{command[0]} cannot be started: {error}") from error
    _started_here[process.pid] = process
    try:
        return Child(process.pid, psutil.Process(process.pid).create_time())
    except psutil.NoSuchProcess as error:
        raise ServiceError(f"{command[0]} ended at once; see {log}") from error


def find(child: Child) -> psutil.Process | None:
    """The live process of `child`, or None if it has ended or its pid now belongs to another process."""
    if child.pid in _started_here and _started_here[child.pid].poll() is not None:
        del _started_here[child.pid]
    try:
        process = psutil.Process(child.pid)
        same = abs(process.create_time() - child.created) < _CLOCK_SLACK
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def wait_until_answers(
    answers: Callable[[], bool], name: str, child: Child, port: int, log: Path, timeout_seconds: float
) -> None:
    """Return once `answers`. Raises ServiceError with the end of `log` if the service `name` died or is late."""
    deadline = time.monotonic() + timeout_seconds
    while not answers():
        if find(child) is None:
            raise ServiceError(f"the embedded {name} ended while starting; the end of {log}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise ServiceError(
                f"the embedded {name} did not answer on 127.0.0.1:{port} within {timeout_seconds:.0f} seconds; "
                f"the end of {log}:\n{tail(log)}"
            )
        time.sleep(0.1)  # between probes: a refused connection comes back at once


def stop(child: Child, grace_seconds: float = 20.0) -> None:
    """End `child` and its descendants: SIGTERM, `grace_seconds` to finish, then SIGKILL. Already ended is fine.

    Raises ServiceError if it is still there after SIGKILL.
    """
    process = find(child)
    if process is None:
        return
    family = [process, *_descendants(process)]
    _signal_group(child, signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=grace_seconds)
    if alive:
        _signal_group(child, signal.SIGKILL)
        for member in alive:
            if member.is_running():  # false if the pid has been recycled
                member.kill()
        _, alive = psutil.wait_procs(alive, timeout=10)
    if find(child) is not None:
        raise ServiceError(f"process {child.pid} does not end, not even by SIGKILL")


def resident_memory(pid: int) -> int:
    """Bytes that a process and all below it hold in memory."""
    total = 0
    for process in (psutil.Process(pid), *_descendants(psutil.Process(pid))):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue  # ended between the listing and the look
    return total


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, or a remark that there are none."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            text = stream.read().decode(errors="replace").strip()
    except OSError as error:
        return f"({log}: {error.strerror})"
    return "\n".join(text.splitlines()[-lines:]) or "(the log is empty)"


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _signal_group(child: Child, number: signal.Signals) -> None:
    if find(child) is None:
        return
    try:
        os.killpg(child.pid, number)  # its session leader's pid is the group's id
    except ProcessLookupError:
        return  # it ended in between, which is what we want
