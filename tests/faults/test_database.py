"""Postgres going away in the middle of everything, and coming back."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import jwt
import pytest

from app.store.database import Database
from app.store.syncs import State
from app.sync.queue import Queue
from sandbox.processes import Child, Processes
from sandbox.stack import PLUMBLINE, free_port
from tests.faults import invariants
from tests.faults.machines import (
    LEASE_SECONDS,
    PATIENCE_SECONDS,
    Machines,
    eventually,
    exit_status,
    send,
    standin,
)
from tests.faults.servers import Server

AWAY_SECONDS = 3


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.remove()


@pytest.fixture
async def machines(server: Server, processes: Processes) -> AsyncIterator[Machines]:
    database = Database(server.addresses.app_url, pool_size=5)
    queue = Queue(server.addresses.app_url, LEASE_SECONDS)
    await queue.open()
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Machines(server.addresses, processes, database, queue, standin(processes), http)
    await queue.close()
    await database.close()


async def serve(machines: Machines, **settings: str) -> tuple[Child, str]:
    """Start `plumbline serve` and wait until it is ready; return it and its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    own = {"PLUMBLINE_PORT": str(port), "PLUMBLINE_BASE_URL": url}
    command = [str(PLUMBLINE), "serve"]
    child = machines.processes.start("serve", command, machines.settings() | own | settings)

    async def status() -> int:
        child.alive()
        return await answered(machines.http, f"{url}/readyz")

    await eventually(status, lambda code: code == 200, "readiness")
    return child, url


async def answered(http: httpx.AsyncClient, url: str) -> int:
    """Return the status of an answer, 0 without one."""
    try:
        return (await http.get(url)).status_code
    except httpx.TransportError:
        return 0


async def test_a_restart_of_the_database_heals_without_a_restart_of_ours(
    machines: Machines, server: Server
) -> None:
    site = await machines.site()
    await machines.connect(site)
    child, url = await serve(machines)
    sync_id = await machines.start(site)
    await machines.until(site, sync_id, lambda s: s.done > 0, "some progress")
    server.stop()
    stopped = await machines.http.get(f"{url}/readyz", timeout=5)
    assert stopped.status_code == 503
    assert int(stopped.headers["Retry-After"]) > 0
    await asyncio.sleep(AWAY_SECONDS)
    assert (await machines.http.get(f"{url}/healthz")).status_code == 200
    server.start()
    ended = await machines.ended(site, sync_id)
    assert ended.state is State.PUBLISHED
    assert await answered(machines.http, f"{url}/readyz") == 200
    assert child.process.poll() is None
    await invariants.check(machines, apis=8)


async def test_sessions_that_are_terminated_cost_no_sync(
    machines: Machines, server: Server
) -> None:
    site = await machines.site()
    await machines.connect(site)
    await machines.worker()
    sync_id = await machines.start(site)
    await machines.until(site, sync_id, lambda s: s.done > 0, "some progress")
    for _ in range(3):
        machines.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'plumbline_app'"
        )
        await asyncio.sleep(0.7)
    ended = await machines.ended(site, sync_id)
    assert ended.state is State.PUBLISHED
    await invariants.check(machines, apis=8)


async def test_serve_under_load_leaves_without_a_failed_request(machines: Machines) -> None:
    child, url = await serve(machines)
    answers: list[int] = []

    async def client() -> None:
        """Ask again and again until an answer says that this process is leaving."""
        async with httpx.AsyncClient(trust_env=False) as http:
            says = ""
            while says != "close":
                answer = await http.get(f"{url}/healthz")
                answers.append(answer.status_code)
                says = answer.headers.get("Connection", "")

    async def answers_so_far() -> int:
        return len(answers)

    clients = [asyncio.create_task(client()) for _ in range(8)]
    await eventually(answers_so_far, lambda n: n > 50, "some load")
    send(child, signal.SIGTERM)
    assert await exit_status(child, 20) == 0
    await asyncio.wait_for(asyncio.gather(*clients), 5)
    assert set(answers) == {200}


async def test_a_database_that_is_away_at_the_start_is_waited_for(
    machines: Machines, server: Server
) -> None:
    server.stop()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    own = {"PLUMBLINE_PORT": str(port), "PLUMBLINE_BASE_URL": url}
    machines.processes.start("serve", [str(PLUMBLINE), "serve"], machines.settings() | own)
    probe = f"{url}/readyz"
    await eventually(lambda: answered(machines.http, probe), lambda code: code == 503, "a 503")
    server.start()
    await eventually(lambda: answered(machines.http, probe), lambda code: code == 200, "readiness")


async def test_a_database_that_says_nothing_is_told_and_found_again(
    machines: Machines, server: Server
) -> None:
    """As after a network that lost it: no line is closed, no answer comes."""
    site = await machines.site()
    await machines.connect(site)
    child, url = await serve(machines)
    sync_id = await machines.start(site)
    await machines.until(site, sync_id, lambda s: s.done > 0, "some progress")
    server.freeze()
    probe = f"{url}/readyz"
    await eventually(lambda: answered(machines.http, probe), lambda code: code == 503, "a 503")
    signed = f"{url}/pages/start?jwt={unknown_token()}"
    answer = await machines.http.get(signed, timeout=PATIENCE_SECONDS)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    server.thaw()
    assert (await machines.ended(site, sync_id)).state is State.PUBLISHED
    await eventually(lambda: answered(machines.http, probe), lambda code: code == 200, "readiness")
    assert child.process.poll() is None
    await invariants.check(machines, apis=8)


@pytest.mark.parametrize("command", ["serve", "worker"])
async def test_a_process_leaves_though_its_database_says_nothing(
    command: str, machines: Machines, server: Server
) -> None:
    site = await machines.site()
    await machines.connect(site)
    child = (await serve(machines))[0] if command == "serve" else await machines.worker()
    sync_id = await machines.start(site)
    await machines.until(site, sync_id, lambda s: s.done > 0, "some progress")
    server.freeze()
    await asyncio.sleep(AWAY_SECONDS)
    send(child, signal.SIGTERM)
    assert await exit_status(child, PATIENCE_SECONDS) == 0
    server.thaw()


def unknown_token() -> str:
    """Return a token in form, of a site that nobody knows: to say so, the database is asked."""
    now = int(time.time())
    claims = {"iss": "nobody", "iat": now, "exp": now + 180, "qsh": "0" * 64}
    return jwt.encode(claims, "a secret of enough length for it", algorithm="HS256")
