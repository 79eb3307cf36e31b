"""`plumbline readiness`, as a pipeline runs it, against a served Plumbline."""

import json
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from app.caller import AccountId
from app.store import pipeline_tokens
from app.store.database import Database
from app.store.encryption import Keyring
from app.sync.queue import Queue
from sandbox import anypoint, estate
from sandbox.estate_model import Estate
from sandbox.processes import Processes
from sandbox.stack import PLUMBLINE
from tests.faults.machines import eventually
from tests.faults.test_database import answered
from tests.operations.test_upgrade import serve
from tests.postgres import FreshDatabase
from tests.store.estate import SPACE, settle
from tests.sync.world import World

FROM, TO = "Test", "Production"


@dataclass
class Pipeline:
    """A machine that knows the address and a token."""

    url: str
    token: str
    world: World

    def run(self, *more: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run the command; a change replaces one of its usual words."""
        said = {"url": self.url, "space": SPACE, "from": FROM, "to": TO, "token": self.token}
        return command(*more, **said | changes)


def command(*more: str, token: str, **options: str) -> subprocess.CompletedProcess[str]:
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    done = subprocess.run(
        [str(PLUMBLINE), "readiness", *words, *more],
        env={"PLUMBLINE_PIPELINE_TOKEN": token, "LANG": "C"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not token or token not in done.stdout + done.stderr
    return done


def alike(built: Estate) -> None:
    """Let Test be what Production is, but for the second API, which lacks a policy there."""
    ids = {item.name: item.id for item in built.environments}
    for api in built.apis:
        production = api.in_environment(ids[TO])
        here = api.in_environment(ids[FROM])
        here.policies, here.tiers = list(production.policies), production.tiers
        here.contracts, here.status = production.contracts, production.status
        here.product_version, here.asset_version = "v1", "1.0.0"
        production.product_version, production.asset_version = "v1", "1.0.0"
        here.technology = production.technology
    built.apis[1].in_environment(ids[TO]).policies.clear()


async def _status(url: str) -> int:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await answered(http, f"{url}/readyz")


@pytest.fixture
async def pipeline(
    addresses: FreshDatabase,
    database: Database,
    keyring: Keyring,
    processes: Processes,
    settings: dict[str, str],
) -> AsyncIterator[Pipeline]:
    home = await settle(database, keyring, "ours")
    queue = Queue(addresses.app_url, 30)
    await queue.open()
    built = estate.build(seed=1, apis=2, environments=3)
    alike(built)
    world = World(database, keyring, queue, home.site_id, built, anypoint.create_app(built))
    await world.connect()
    async with database.transaction(home.site_id) as db:
        _, token = await pipeline_tokens.make(
            db, home.site_id, SPACE, name="t", by=AccountId("ana"), expires_at=None, now=world.now
        )
    url = serve(processes, settings)
    await eventually(lambda: _status(url), lambda status: status == 200, "readiness")
    yield Pipeline(url, token, world)
    await world.close()
    await queue.close()


async def test_the_exit_code_is_the_answer(pipeline: Pipeline):
    before = pipeline.run()
    assert before.returncode == 1
    assert before.stderr == (
        "plumbline: could not tell: Nothing is published yet: connect the space and sync it first\n"
    )
    await pipeline.world.sync()
    blocked = pipeline.run()
    assert blocked.returncode == 2, blocked.stdout + blocked.stderr
    assert blocked.stderr == ""
    assert blocked.stdout.startswith("Blocked: Test to Production, 2 APIs\n")
    assert "  BLOCKER  " in blocked.stdout
    backwards = pipeline.run("--json", **{"from": TO, "to": FROM})
    told = json.loads(backwards.stdout)
    assert backwards.returncode == {True: 0, False: 2, None: 1}[told["ready"]]


async def test_what_cannot_be_told_says_why_in_one_line(pipeline: Pipeline):
    await pipeline.world.sync()
    cases: list[tuple[dict[str, str], str]] = [
        ({"from": "Tset"}, "--from: This is no compared environment. Compared are: "),
        ({"to": FROM}, "--to: This is the environment that the promotion starts from."),
        ({"token": pipeline.token[:-2] + "AA"}, "the token is not accepted"),
        ({"token": ""}, "PLUMBLINE_PIPELINE_TOKEN: "),
        ({"token": "two words"}, "PLUMBLINE_PIPELINE_TOKEN: "),
        ({"space": "99"}, "there is no such space or API for this token"),
        ({"space": "ORD"}, "--space: "),
        ({"api": "0" * 32}, "there is no such space or API for this token"),
        ({"url": "http://127.0.0.1:9"}, "cannot be reached"),
        ({"url": "http://plumbline.example.com"}, "must begin with https"),
        ({"url": "https://user@plumbline.example.com"}, "must be the https address"),
        ({"url": "plumbline"}, "must be the https address"),
    ]
    for changes, sentence in cases:
        done = pipeline.run(**changes)
        assert done.returncode == 1, (changes, done.stdout)
        assert sentence in done.stderr, (changes, done.stderr)
        assert done.stderr.startswith("plumbline: ")
        assert done.stderr.count("\n") == 1, done.stderr
        assert done.stdout == ""


def test_a_wrong_option_is_never_taken_for_blocked():
    assert command(token="s3cret", url="https://plumbline.example.com").returncode == 1


class Odd(BaseHTTPRequestHandler):
    """A server that is no Plumbline, or one whose answer a test has made up."""

    status = 200
    body: Any = None
    busy = 0  # how often it says that it will answer later

    def do_GET(self) -> None:
        """Answer as the test says."""
        is_busy, Odd.busy = Odd.busy > 0, Odd.busy - 1
        self.send_response(429 if is_busy else self.status)
        self.send_header("Retry-After", "0")
        self.send_header("Location", "https://elsewhere.example.com")
        self.end_headers()
        self.wfile.write(json.dumps(self.body).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def odd() -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    server = HTTPServer(("127.0.0.1", 0), Odd)
    Thread(target=server.serve_forever, daemon=True).start()

    def run(
        status: int, body: Any, *more: str, secret: str = "s3cret-t0ken"
    ) -> subprocess.CompletedProcess[str]:
        Odd.status, Odd.body = status, body
        url = f"http://127.0.0.1:{server.server_port}"
        said = {"url": url, "space": "1", "from": FROM, "to": TO}
        return command(*more, token=secret, **said)

    yield run
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "body"), [(200, {"ready": True}), (200, []), (302, {}), (500, None), (422, [])]
)
def test_whatever_is_no_plumbline_is_never_ready(odd: Any, status: int, body: Any):
    done = odd(status, body)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("busy", "code", "said"), [(3, 1, "answered 200"), (9, 1, "too often")])
def test_who_is_busy_is_asked_again_a_few_times(odd: Any, busy: int, code: int, said: str):
    Odd.busy = busy
    done = odd(200, {})
    Odd.busy = 0
    assert done.returncode == code
    assert said in done.stderr


def test_no_name_is_a_command_of_the_pipeline(odd: Any):
    point = {"api_name": "a\n::set-env name=x::y", "sentence": "##vso[task.complete]\u001b[31m"}
    body = {
        "ready": False,
        "from": {"name": "::error::"},
        "to": {"name": TO},
        "sync": None,
        "apis": 1,
        "counts": {"blockers": 3, "warnings": 0, "unknown": 0},
        "blockers": [point],
        "warnings": [],
        "unknown": [],
    }
    done = odd(200, body)
    assert done.returncode == 2
    assert done.stdout.splitlines() == [
        "Blocked: ::error:: to Production, 1 API",
        "  BLOCKER  a?::set-env name=x::y: # #vso[task.complete]?[31m",
        "  BLOCKER  and 2 more",
    ]
    as_json = odd(200, body, "--json").stdout
    assert "##" not in as_json
    assert json.loads(as_json) == body
