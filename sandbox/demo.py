"""The demo: Plumbline with a filled posture tab on this machine, until Ctrl-C."""

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import Any

from sandbox import stack
from sandbox.processes import ROOT, Broken
from sandbox.stack import Estate, Stack

DATA_DIR = ROOT / ".plumbline-demo"
BAR = 24


def say(line: str) -> None:
    """Write a line to the terminal at once."""
    print(line, flush=True)


def progress_line(sync: dict[str, Any]) -> str:
    """Return how far a sync is, as a bar once its size is known."""
    done, total = sync["progress"]["done"], sync["progress"]["total"]
    if not total:
        return f"  First sync: {sync['state']}"
    filled = BAR * done // total
    return f"  First sync: [{'#' * filled}{'.' * (BAR - filled)}] {done} of {total} API instances"


def follow(running: Stack) -> None:
    """Show the sync's progress until it is published: in place on a terminal, else line by line."""
    shown, in_place = "", sys.stdout.isatty()
    for sync in running.progress():
        line = progress_line(sync)
        if line != shown:
            print(f"\r{line}\x1b[K" if in_place else line, end="" if in_place else "\n", flush=True)
        shown = line
    say("" if in_place else "  First sync: published")


def addresses(running: Stack) -> str:
    """Return what the person may open now."""
    return "\n".join(
        (
            "",
            "Plumbline runs. Open:",
            f"  API Security Posture   {running.address('plumbline-posture')}",
            f"  Settings               {running.address('plumbline-settings')}",
            f"  A page for macros      {running.page_address()}",
            "",
            "The person (admin, editor, viewer, stranger) and the theme are switched in the page's head.",
            "Ctrl-C ends everything.",
        )
    )


def prepare(running: Stack) -> None:
    """Do what an administrator does once: install, connect, wait for the first sync."""
    say("  Installing the app into Confluence …")
    running.install()
    say("  Connecting the space to Anypoint …")
    running.connect()
    follow(running)


def stay(running: Stack) -> None:
    """Wait for Ctrl-C; `Broken` as soon as a part has ended by itself."""
    while True:
        running.processes.watch()
        time.sleep(0.5)


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; 1 with one line when something does not do its part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR)
    parser.add_argument("--port", type=int, default=0, help="the app's port; 0 for any")
    parser.add_argument("--apis", type=int, default=50)
    parser.add_argument("--environments", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency-ms", type=int, default=20, help="of each Anypoint answer")
    chosen = parser.parse_args(arguments)
    # Both by hand: a shell starts background jobs with Ctrl-C ignored, and Python keeps that.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    estate = Estate(chosen.apis, chosen.environments, chosen.seed, chosen.latency_ms)
    say("  Starting Postgres, the stand-ins and Plumbline …")
    try:
        with stack.running(chosen.data_dir, estate=estate, port=chosen.port) as running:
            prepare(running)
            say(addresses(running))
            stay(running)
    except KeyboardInterrupt:
        say("\n  Ended.")
    except Broken as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
