"""Child processes that end with us, and what they say when they end before."""

import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent
START_SECONDS = 30
STOP_SECONDS = 10
PR_SET_PDEATHSIG = 1


class Broken(Exception):
    """Something that was started does not do its part; the message says what, in one line."""


def inherited() -> dict[str, str]:
    """Return our environment without the settings that a developer may have made for themselves."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PLUMBLINE_")}


def end_with_parent() -> None:
    """Ask the kernel to end this child when its parent is gone, however that came."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(slots=True)
class Child:
    """One running process and where its messages go; `said` is its first line, if it has one."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def alive(self) -> None:
        """Raise `Broken` with the last line of its messages if it has ended."""
        status = self.process.poll()
        if status is not None:
            raise Broken(f"{self.name} ended with status {status}: {self.last_words()}")

    def last_words(self) -> str:
        """Return the last line that it wrote, or where to look."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else f"see {self.log}"

    def first_line(self, seconds: float) -> dict[str, Any]:
        """Return its first line of output, which is JSON; `Broken` if none comes in time."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            if not waiting.select(seconds):
                raise Broken(f"{self.name} said nothing for {seconds:.0f} seconds.")
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(STOP_SECONDS)
            self.alive()
        said: dict[str, Any] = json.loads(line)
        return said

    def stop(self) -> None:
        """Wait until it has ended as it was asked to, after a while end it by force."""
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


@dataclass(slots=True)
class Processes:
    """All children of one run; leaving the block ends them."""

    logs: Path
    children: list[Child] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # All at once: none of them needs another one to end.
        for child in self.children:
            child.process.terminate()
        for child in self.children:
            child.stop()

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> Child:
        """Start a command in a session of its own, so that Ctrl-C reaches us alone."""
        log = self.logs / f"{name.replace(' ', '-')}.log"
        with log.open("wb") as messages:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**inherited(), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=messages,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        child = Child(name, process, log)
        self.children.append(child)
        return child

    def announced(self, name: str, *arguments: str) -> dict[str, Any]:
        """Start `python -m …` and return the JSON of its first line."""
        return self.start(name, [sys.executable, "-m", *arguments]).first_line(START_SECONDS)

    def watch(self) -> None:
        """Raise `Broken` if any of them has ended."""
        for child in self.children:
            child.alive()


def wait_until(done: Callable[[], bool], what: str, processes: Processes, seconds: float) -> None:
    """Ask again and again until it is done; `Broken` if a process ends or the time is over."""
    until = time.monotonic() + seconds
    while not done():
        processes.watch()
        if time.monotonic() > until:
            raise Broken(f"{what} took longer than {seconds:.0f} seconds.")
        time.sleep(0.1)
