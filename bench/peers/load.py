"""Asks a server for signed pages, in a process of its own so that it costs the server nothing.

Reads one JSON line, `{port, connections, targets}`, and answers with one: the statuses, the digest
of the bodies, and how long each request took. Knows nothing of the product.
"""

import asyncio
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any


class Tally:
    """What came back."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.bodies: set[str] = set()
        self.seconds: list[float] = []

    def as_json(self) -> dict[str, Any]:
        """Return it for the one who asked."""
        return {
            "statuses": dict(self.statuses),
            "bodies": sorted(self.bodies),
            "seconds": self.seconds,
        }


async def connection(port: int, targets: Iterator[str], tally: Tally) -> None:
    """Ask for one target after another on one connection that is kept alive."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for target in targets:
        head = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/html\r\n\r\n"
        began = time.perf_counter()
        writer.write(head.encode())
        status, body = await answer(reader)
        tally.seconds.append(time.perf_counter() - began)
        tally.statuses[status] += 1
        if status == "200":
            tally.bodies.add(hashlib.sha256(body).hexdigest())
    writer.close()
    await writer.wait_closed()


async def answer(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """Return the status and the body of one answer, which has to say its length."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
    return head.split(b" ", 2)[1].decode(), await reader.readexactly(length)


async def load(port: int, connections: int, targets: list[str]) -> Tally:
    """Ask for all targets over so many connections."""
    tally, shared = Tally(), iter(targets)
    await asyncio.gather(*(connection(port, shared, tally) for _ in range(connections)))
    return tally


def main() -> None:
    """Serve orders until there are no more."""
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(asyncio.run(load(**order)).as_json()), flush=True)


if __name__ == "__main__":
    main()
