"""The Forge app of one deployment as a folder: manifest, bundled shell, checked without the network."""

import json
import os
import re
import subprocess
from ipaddress import ip_address
from pathlib import Path
from shutil import copy, which
from typing import Any
from urllib.parse import urlsplit

from app.errors import BadConfiguration

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "forge"
NODE_FOLDER = ROOT / ".node" / "node_modules"
MANIFEST = "manifest.yml"
APP_ID = re.compile(r"ari:cloud:ecosystem::app/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RESOURCES = {"main": "page", "macro-config": "config"}
TOOL_SECONDS = 300
CONNECT_MODULES = frozenset(
    {"webItems", "generalPages", "spaceToolsTabs", "dialogs", "dynamicContentMacros"}
    | {"postInstallPage", "webhooks"}
)
SCOPES = {"READ": "read:connect-confluence", "ACT_AS_USER": "act-as-user:connect-confluence"}


def checked_url(url: str) -> str:
    """Return a public https URL without a trailing slash, or raise `BadConfiguration`."""
    parts = urlsplit(url.removesuffix("/"))
    host = parts.hostname or ""
    if parts.scheme != "https" or not host or parts.username or parts.query or parts.fragment:
        raise BadConfiguration(f"--url: {url} must be an https URL without user, query or fragment")
    if _is_address(host) or "." not in host:
        raise BadConfiguration(f"--url: {host} must be a public host name; Atlassian calls it")
    return url.removesuffix("/")


def checked_app_id(app_id: str) -> str:
    """Return the id of a Forge app, or raise `BadConfiguration`."""
    if not APP_ID.fullmatch(app_id):
        raise BadConfiguration(f"--app-id: {app_id} must be ari:cloud:ecosystem::app/<uuid>")
    return app_id


def steps(folder: Path, base_url: str, app_id: str) -> list[str]:
    """Return what is left to do with the Forge CLI, which alone holds the operator's login."""
    return [
        f"The app is in {folder} and passes Atlassian's checks. Administrators approve:",
        *(f"  {line}" for line in hosts_and_scopes(base_url)),
        "Then, with the Forge CLI logged in:",
        f"  cd {folder}",
        "  forge deploy -e production",
        "  forge install -e production --product confluence",
        "And in the deployment's configuration, kept for good:",
        f"  PLUMBLINE_FORGE_APP_IDS={app_id}",
    ]


def write_app(folder: Path, base_url: str, app_id: str) -> None:
    """Write the app's folder: manifest, the two resources, the export function."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_text(manifest(base_url, app_id))
    page = (TEMPLATES / "shell" / "index.html").read_text()
    for resource, route in RESOURCES.items():
        place = folder / "static" / resource
        place.mkdir(parents=True, exist_ok=True)
        filled = page.replace("{origin}", _origin(base_url)).replace("{route}", route)
        (place / "index.html").write_text(filled)
        copy(TEMPLATES / "shell" / "shell.css", place)
    _run(["node", str(TEMPLATES / "build.cjs"), str(TEMPLATES), str(folder)], folder)


def manifest(base_url: str, app_id: str) -> str:
    """Return the manifest of the Forge app under this public URL."""
    values = {"{base_url}": base_url, "{origin}": _origin(base_url), "{app_id}": app_id}
    text = (TEMPLATES / MANIFEST).read_text().split("\n", 1)[1]
    for name, value in values.items():
        text = text.replace(name, json.dumps(value))
    return text


def connect_manifest(descriptor: dict[str, Any], app_id: str) -> str:
    """Return the Connect-on-Forge manifest of a descriptor, good until the end of Connect."""
    modules = {
        f"confluence:{name}": [entries] if isinstance(entries, dict) else _keyed(name, entries)
        for name, entries in descriptor["modules"].items()
        if name in CONNECT_MODULES
    }
    calls = {name: descriptor["lifecycle"][name] for name in ("installed", "uninstalled")}
    written = {
        "app": {
            "id": app_id,
            "runtime": {"name": "nodejs24.x"},
            "connect": {"key": descriptor["key"], "remote": "core", "authentication": "jwt"},
        },
        "remotes": [{"key": "core", "baseUrl": descriptor["baseUrl"]}],
        "connectModules": {
            "confluence:lifecycle": [{"key": "plumbline-lifecycle", **calls}],
            **modules,
        },
        "permissions": {"scopes": [SCOPES[scope] for scope in descriptor["scopes"]]},
    }
    # JSON is YAML; one writer less.
    return json.dumps(written, indent=2) + "\n"


def lint(folder: Path) -> None:
    """Check the folder's manifest with Atlassian's own package; `BadConfiguration` with its words."""
    _run(["node", str(TEMPLATES / "lint.cjs")], folder)


def hosts_and_scopes(base_url: str) -> list[str]:
    """Return what an administrator is asked to approve, as lines."""
    return [
        f"host:  {_origin(base_url)}",
        "scope: read:app-user-token   (asks Confluence what the person may do)",
        "scope: read:space:confluence (reads rights in a space)",
        "scope: read:user:confluence  (shows who took a snapshot or accepted a finding)",
    ]


def _keyed(name: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if name != "webhooks":
        return entries
    return [{"key": f"plumbline-webhook-{i}", **item} for i, item in enumerate(entries, start=1)]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _run(command: list[str], folder: Path) -> None:
    program = which(command[0], path=f"{os.environ.get('PATH', '')}:{ROOT / '.venv' / 'bin'}")
    if program is None or not NODE_FOLDER.is_dir():
        raise BadConfiguration("Node and its packages are needed: make .node/.ready sets them up")
    # Arguments are paths of this checkout and the operator's own folder; no shell is involved.
    done = subprocess.run(  # noqa: S603
        [program, *command[1:]],
        cwd=folder,
        env={**os.environ, "NODE_PATH": str(NODE_FOLDER)},
        capture_output=True,
        text=True,
        timeout=TOOL_SECONDS,
        check=False,
    )
    if done.returncode:
        words = (done.stdout + done.stderr).strip()
        raise BadConfiguration(f"{Path(command[1]).name} failed:\n{words}")
