"""The whole product on one machine: both stand-ins and `plumbline serve`, joined by its settings."""

import json
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from sandbox.processes import Broken, Processes, wait_until

PLUMBLINE = Path(sys.executable).with_name("plumbline")
READY_SECONDS = 90
SYNC_SECONDS = 180
CONTROL_PLANE = "sandbox"
APP_KEY = "plumbline"
FORGE_APP_ID = "ari:cloud:ecosystem::app/5fbd2f21-8e6d-4c3c-9c5e-0d0b0f6f1001"


@dataclass(frozen=True, slots=True)
class Estate:
    """How large the Anypoint stand-in is and how long each of its answers takes."""

    apis: int = 50
    environments: int = 3
    seed: int = 1
    latency_ms: int = 0

    def arguments(self) -> list[str]:
        """Return the stand-in's flags."""
        pairs = {
            "--apis": self.apis,
            "--environments": self.environments,
            "--seed": self.seed,
            "--latency-ms": self.latency_ms,
        }
        return [word for flag, value in pairs.items() for word in (flag, str(value))]


@dataclass(frozen=True, slots=True)
class Stack:
    """The running parts and how to speak to them."""

    processes: Processes
    http: httpx.Client
    app_url: str
    confluence: dict[str, Any]
    anypoint: dict[str, Any] = field(repr=False)
    site_number: int = 0

    def at_site(self, number: int) -> "Stack":
        """Return the same parts, seen from another Confluence site."""
        return replace(self, site_number=number)

    @property
    def site(self) -> dict[str, Any]:
        """The Confluence site that this is about."""
        site: dict[str, Any] = self.confluence["sites"][self.site_number]
        return site

    @property
    def host_url(self) -> str:
        """The site's origin."""
        return str(self.site["origin"])

    @property
    def space(self) -> dict[str, str]:
        """The site's first space: id, key, name."""
        space: dict[str, str] = self.site["spaces"][0]
        return space

    @property
    def origins(self) -> list[str]:
        """The origins that a browser may reach: the app and every site."""
        return [self.app_url, *(site["origin"] for site in self.confluence["sites"])]

    def address(self, module: str) -> str:
        """Return where Confluence shows a page module of the app about the space."""
        space = self.space
        query = f"space.key={space['key']}&space.id={space['id']}"
        return f"{self.host_url}/wiki/plugins/servlet/ac/{APP_KEY}/{module}?{query}"

    def page_address(self) -> str:
        """Return the address of a page that can hold macros."""
        return f"{self.host_url}/wiki/pages/{self.site['pages'][0]['id']}"

    def control(self, action: str, **body: Any) -> dict[str, Any]:
        """Have the Confluence stand-in do something; `Broken` with its answer where it failed."""
        url = f"{self.confluence['url']}/_control/{action}"
        answer = self.http.post(url, json={"site": self.site_number, **body})
        if answer.status_code != 200:
            raise Broken(f"Confluence stand-in, {action}: {answer.status_code} {answer.text}")
        result: dict[str, Any] = answer.json()
        return result

    def call(self, method: str, path: str, *, role: str, body: Any = None) -> httpx.Response:
        """Call the app's JSON API about the space with a fresh context token of a role."""
        token = self.control("token", **{"as": role, "space": self.space["id"]})["token"]
        url = f"{self.app_url}/api/spaces/{self.space['id']}/{path}"
        return self.http.request(method, url, json=body, headers={"Authorization": f"JWT {token}"})

    def trouble(self, **wish: Any) -> None:
        """Have the Anypoint stand-in change or fail; `reset=True` heals it."""
        self.http.post(f"{self.anypoint['url']}/_control", json=wish).raise_for_status()

    def truth(self) -> dict[str, Any]:
        """Return what the Anypoint stand-in knows of its own estate."""
        truth: dict[str, Any] = self.http.get(f"{self.anypoint['url']}/_control/truth").json()
        return truth

    def install(self) -> None:
        """Install the app by real signed lifecycle calls; `Broken` where it refuses."""
        self.control("install", app_url=self.app_url)

    def connect(self) -> None:
        """Save the Anypoint stand-in's credentials as the administrator, which starts a sync."""
        credentials = {
            "control_plane": CONTROL_PLANE,
            "client_id": self.anypoint["client_id"],
            "client_secret": self.anypoint["client_secret"],
        }
        answer = self.call("PUT", "connection", role="admin", body=credentials)
        if answer.status_code != 200:
            raise Broken(f"Saving the connection: {answer.status_code} {answer.text}")

    def newest_sync(self) -> dict[str, Any] | None:
        """Return the newest sync of the space, or None before there is one."""
        answer = self.call("GET", "syncs", role="admin")
        if answer.status_code != 200:
            raise Broken(f"Reading the syncs: {answer.status_code} {answer.text}")
        syncs: list[dict[str, Any]] = answer.json()["syncs"]
        return syncs[0] if syncs else None

    def progress(self) -> Iterator[dict[str, Any]]:
        """Yield the newest sync again and again until it has ended; `Broken` unless published."""
        until = time.monotonic() + SYNC_SECONDS
        while time.monotonic() < until:
            self.processes.watch()
            sync = self.newest_sync()
            if sync is not None:
                yield sync
            if sync is not None and sync["state"] not in {"queued", "running"}:
                break
            time.sleep(0.2)
        else:
            raise Broken(f"The sync took longer than {SYNC_SECONDS} seconds.")
        if sync["state"] != "published":
            raise Broken(f"The sync ended as {sync['state']}: {reasons(sync)}")


def reasons(sync: dict[str, Any]) -> str:
    """Return why environments of a sync were not read, in one line."""
    found = [f"{e['name']}: {e['reason']}" for e in sync["environments"] if e.get("reason")]
    return "; ".join(found) or "no reason given"


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
        return port


def settings(
    port: int, data_dir: Path, confluence: dict[str, Any], anypoint: dict[str, Any]
) -> dict[str, str]:
    """Return the app's environment variables that join it to the stand-ins."""
    return {
        "PLUMBLINE_BASE_URL": f"http://127.0.0.1:{port}",
        "PLUMBLINE_PORT": str(port),
        "PLUMBLINE_DATA_DIR": str(data_dir.resolve()),
        "PLUMBLINE_INSTALL_KEYS_URL": confluence["install_keys_url"],
        "PLUMBLINE_ATLASSIAN_OAUTH_URL": confluence["oauth_url"],
        "PLUMBLINE_FORGE_APP_IDS": FORGE_APP_ID,
        "PLUMBLINE_FORGE_JWKS_URL": confluence["forge_jwks_url"],
        "PLUMBLINE_CONFLUENCE_HOSTS": ",".join(s["origin"] for s in confluence["sites"]),
        "PLUMBLINE_CONTROL_PLANES": json.dumps({CONTROL_PLANE: anypoint["url"]}),
        "PLUMBLINE_CONNECT_SCRIPT_URL": confluence["script_url"],
    }


def answers(http: httpx.Client, url: str) -> bool:
    """Tell whether an address answers 200 already."""
    try:
        return http.get(url).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@contextmanager
def running(
    data_dir: Path,
    *,
    estate: Estate = Estate(),
    sites: int = 1,
    port: int = 0,
    overrides: dict[str, str] | None = None,
) -> Iterator[Stack]:
    """Start everything and wait until the app is ready; all of it ends with the block."""
    with Processes(data_dir / "logs") as processes, httpx.Client(trust_env=False) as http:
        anypoint = processes.announced(
            "Anypoint stand-in", "sandbox.anypoint", "--port", "0", *estate.arguments()
        )
        confluence = processes.announced(
            "Confluence stand-in", "sandbox.confluence", "--port", "0", "--sites", str(sites)
        )
        port = port or free_port()
        environment = {**settings(port, data_dir, confluence, anypoint), **(overrides or {})}
        processes.start("plumbline serve", [str(PLUMBLINE), "serve"], environment)
        app_url = environment["PLUMBLINE_BASE_URL"]
        wait_until(
            lambda: answers(http, app_url + "/readyz"), "The start", processes, READY_SECONDS
        )
        yield Stack(processes, http, app_url, confluence, anypoint)
