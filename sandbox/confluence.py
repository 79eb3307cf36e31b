"""The Confluence stand-in: a server that plays Confluence with Atlassian's real host script.

Run as `python -m sandbox.confluence --port 0`; when it listens it prints one line of JSON with
its addresses, sites, spaces and persons.
"""

import argparse
import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette

from sandbox import control, forge, host_calls, host_files, host_pages, static_macros, wiki_rest
from sandbox.sites import make_site
from sandbox.standin import StandIn

NODE_MODULES = Path(__file__).parent.parent / ".node" / "node_modules"
HOST = "localhost"


def make_standin(
    ports: list[int], http: httpx.AsyncClient, node_modules: Path = NODE_MODULES
) -> StandIn:
    """Return a fresh stand-in with one site per port; its calls to the app go through `http`."""
    sites = tuple(make_site(n, f"http://{HOST}:{port}") for n, port in enumerate(ports, start=1))
    return StandIn(sites=sites, node_modules=node_modules, http=http)


def create_app(standin: StandIn) -> Starlette:
    """Return the server's application."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with standin.http:
            yield

    files = host_files.routes(standin.node_modules)
    app = Starlette(
        routes=[
            *host_pages.routes,
            *host_calls.routes,
            *static_macros.routes,
            *wiki_rest.routes,
            *forge.routes,
            *control.routes,
            *files,
        ],
        lifespan=lifespan,
    )
    app.state.standin = standin
    return app


def listening(port: int) -> socket.socket:
    """Return a socket that listens on loopback at this port, 0 for any."""
    bound = socket.create_server(("127.0.0.1", port))
    bound.setblocking(False)
    return bound


async def serve(sockets: list[socket.socket], standin: StandIn) -> None:
    """Serve until SIGTERM or SIGINT, then stop at once."""
    config = uvicorn.Config(
        create_app(standin), log_level="warning", access_log=False, timeout_graceful_shutdown=1
    )
    print(json.dumps(control.described(standin)), flush=True)
    await uvicorn.Server(config).serve(sockets=sockets)


def main(arguments: list[str] | None = None) -> int:
    """Run the stand-in; 1 with one line when it cannot start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the first site; 0 for any")
    parser.add_argument("--sites", type=int, default=1, help="number of sites, a port each")
    parser.add_argument("--node-modules", type=Path, default=NODE_MODULES)
    chosen = parser.parse_args(arguments)
    # uvicorn passes the signal on when it has stopped; the end that was asked for is a good one.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        host_files.check(chosen.node_modules)
        ports = [chosen.port, *[0] * (chosen.sites - 1)]
        sockets = [listening(port) for port in ports]
    except (host_files.MissingPackages, OSError) as error:
        print(f"sandbox.confluence: {error}", file=sys.stderr)
        return 1
    http = httpx.AsyncClient(timeout=20, trust_env=False, follow_redirects=False)
    standin = make_standin([s.getsockname()[1] for s in sockets], http, chosen.node_modules)
    asyncio.run(serve(sockets, standin))
    return 0


if __name__ == "__main__":
    sys.exit(main())
