"""The container's files, without an engine: instruction by instruction, and step by step."""

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from app.settings import Settings
from app.store.embedded import EmbeddedPostgres
from sandbox.processes import Processes
from sandbox.stack import free_port
from tests.operations.conftest import KEY
from tests.operations.test_upgrade import readiness, until
from tests.postgres import FAST

ROOT = Path(__file__).parents[2]
SETTINGS = {f"PLUMBLINE_{name.upper()}" for name in Settings.model_fields}
PINNED = re.compile(r"[\w./-]+(:[\w.-]*\d[\w.-]*)?(@sha256:[0-9a-f]{64})?")


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, continued lines joined."""
    text = "\n".join(
        line for line in (ROOT / "Dockerfile").read_text().splitlines() if line[:1] != "#"
    ).replace("\\\n", " ")
    return [
        (word, rest.strip())
        for word, _, rest in (x.partition(" ") for x in text.split("\n"))
        if word
    ]


def all_of(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def sources() -> list[str]:
    """Return what is copied out of the checkout."""
    copies = [shlex.split(rest) for rest in all_of("COPY") if "--from" not in rest]
    return [source for words in copies for source in words[:-1]]


def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return parsed


def is_pinned(image: str) -> bool:
    return bool(PINNED.fullmatch(image)) and (":" in image) and not image.endswith(":latest")


def test_both_stages_begin_with_one_pinned_image() -> None:
    bases = {rest.split(" AS ")[0] for rest in all_of("FROM")}
    assert len(bases) == 1
    assert all(is_pinned(base) for base in bases)


def test_what_is_copied_exists_and_is_sent_to_the_build() -> None:
    sent = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    assert set(sources()) == sent
    assert all((ROOT / source).exists() for source in sent)


def test_it_runs_as_an_ordinary_user_by_number() -> None:
    """By number, so that an orchestrator can see that it is not root."""
    last = [name for name, _ in instructions()]
    assert last.index("USER") > max(i for i, name in enumerate(last) if name == "RUN")
    (user,) = all_of("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)


def test_it_holds_no_secret_and_its_settings_exist() -> None:
    text = (ROOT / "Dockerfile").read_text()
    named = set(re.findall(r"PLUMBLINE_[A-Z_]+", text))
    assert named <= SETTINGS
    assert not named & {"PLUMBLINE_ENCRYPTION_KEYS", "PLUMBLINE_DATABASE_URL"}
    assert not re.search(r"\bARG\b|password|secret|https?://(?!127\.0\.0\.1)", text, re.IGNORECASE)


def test_everything_that_is_installed_has_its_hash() -> None:
    installs = [rest for rest in all_of("RUN") if "pip install" in rest and "-e ." not in rest]
    assert len(installs) == 1
    assert "--no-deps --require-hashes -r requirements.txt -r requirements-build.txt" in installs[0]
    (words, _, _) = installs[0].partition(" > ")
    done = subprocess.run(
        ["sh", "-ec", words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"setuptools==[\d.]+ \\\n(    --hash=sha256:\w{64}( \\)?\n)+", done.stdout)


def test_what_is_installed_is_the_lock_and_nothing_resolved_beside_it() -> None:
    """A newer release of a package that is asked for with an extra once broke every new set-up."""
    steps = [*all_of("RUN"), *(ROOT / "Makefile").read_text().splitlines()]
    installs = [one for one in steps if "pip install" in one]
    assert len(installs) == 4
    assert all("--no-deps" in one for one in installs)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The image's files: what is copied, and the steps after it, with this environment's packages."""
    place = tmp_path / "image"
    venv = place / "opt" / "venv"
    for source in sources():
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        (place / "plumbline").mkdir(parents=True, exist_ok=True)
        copy(ROOT / source, place / "plumbline" / source)
    in_place(place, f"{sys.executable} -m venv --without-pip /opt/venv")
    packages = next(venv.glob("lib/python*/site-packages"))
    ours = next(Path(one) for one in sys.path if one.endswith("site-packages"))
    for package in ours.iterdir():
        if "plumbline" not in package.name and not package.name.endswith(".pth"):
            (packages / package.name).symlink_to(package)
    steps = [rest for rest in all_of("RUN") if "-e ." in rest]
    assert len(steps) == 1
    in_place(place, steps[0])
    return place


def in_place(place: Path, command: str) -> None:
    """Run a step as if `place` were the root of the file system."""
    here = re.sub(r"(?<![\w.])/(opt/venv|plumbline)(?=[/'\s\\]|$)", rf"{place}/\1", command)
    (place / "plumbline").mkdir(parents=True, exist_ok=True)
    subprocess.run(["sh", "-ec", here], cwd=place / "plumbline", check=True)


def test_the_image_serves_and_its_health_check_sees_it(
    image: Path, processes: Processes, settings: dict[str, str]
) -> None:
    (command,) = all_of("CMD")
    assert json.loads(command) == ["plumbline", "serve"]
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    own = settings | {"PLUMBLINE_PORT": port, "PLUMBLINE_BASE_URL": url}
    path = f"{image}/opt/venv/bin:{os.environ['PATH']}"
    written = {file for file in image.rglob("*") if not file.is_symlink()}
    child = processes.start(
        "serve",
        [f"{image}/opt/venv/bin/plumbline", "serve"],
        own | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    until(lambda: readiness(url)[0] == 200, "readiness")
    (check,) = all_of("HEALTHCHECK")
    words = json.loads(check.partition("CMD")[2])
    environment = {"PATH": path, "PLUMBLINE_PORT": port}
    assert subprocess.run(words, env=environment, check=False).returncode == 0
    environment["PLUMBLINE_PORT"] = str(free_port())
    assert subprocess.run(words, env=environment, check=False, stderr=subprocess.DEVNULL).returncode
    child.alive()
    assert {file for file in image.rglob("*") if not file.is_symlink()} == written


def test_every_service_is_pinned_bounded_and_knows_its_settings() -> None:
    services = compose()["services"]
    assert set(services) == {"database", "migrate", "serve", "worker"}
    assert is_pinned(services["database"]["image"])
    for name in ("migrate", "serve", "worker"):
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert set(service["environment"]) <= SETTINGS
        # The product promises to leave within 20 seconds; an engine's own patience is 10.
        assert int(service["stop_grace_period"].removesuffix("s")) > 20
    assert "PLUMBLINE_MIGRATION_DATABASE_URL" not in services["serve"]["environment"]
    assert all(port.startswith("127.0.0.1:") for port in services["serve"]["ports"])


def test_each_door_can_be_opened_with_what_compose_passes_on() -> None:
    """A new site has no other door than Forge's, and that one is closed without its ids."""
    passed = compose()["services"]["serve"]["environment"]
    assert passed["PLUMBLINE_FORGE_APP_IDS"] == "${PLUMBLINE_FORGE_APP_IDS:-}"


def test_no_password_stands_in_compose() -> None:
    values = [
        str(value)
        for service in compose()["services"].values()
        for name, value in service["environment"].items()
        if re.search("PASSWORD|KEYS|URL", name)
    ]
    assert all(re.search(r"\$\{\w+:\?\}", value) for value in values)
    mounts = [
        volume
        for service in compose()["services"].values()
        for volume in service.get("volumes", [])
    ]
    files = [mount.partition(":")[0] for mount in mounts if mount.startswith(".")]
    assert all((ROOT / file).exists() for file in files)


@pytest.fixture
def bare_server(tmp_path: Path) -> Iterator[str]:
    """A server as its container starts it, without roles of ours; return the superuser's URL."""
    server = EmbeddedPostgres(tmp_path / "bare", options=FAST)
    server.start()
    with psycopg.connect(server.superuser_url, autocommit=True) as db:
        for statement in ("DATABASE plumbline", "ROLE plumbline_owner", "ROLE plumbline_app"):
            db.execute(f"DROP {statement}".encode())
    yield server.superuser_url
    server.stop()


def test_the_roles_of_compose_migrate_and_serve(bare_server: str, processes: Processes) -> None:
    """With compose's own commands, settings and roles; passwords with all that a shell might eat."""
    words = {"OWNER_PASSWORD": "o'\"$x `id`", "APP_PASSWORD": "abc123"}
    parts = psycopg.conninfo.conninfo_to_dict(bare_server)
    into = {"PGHOST": parts["host"], "PGPORT": parts["port"], "PGPASSWORD": parts["password"]}
    path = f"{EmbeddedPostgres.find_binaries()}:{os.environ['PATH']}"
    environment = {"PATH": path} | words | {name: str(value) for name, value in into.items()}
    subprocess.run(["sh", str(ROOT / "docs" / "roles.sh")], env=environment, check=True)
    with psycopg.connect(
        host=str(parts["host"]),
        port=str(parts["port"]),
        dbname="plumbline",
        user="plumbline_owner",
        password=words["OWNER_PASSWORD"],
    ) as db:
        db.execute("ALTER ROLE plumbline_owner PASSWORD 'abc123'")
    place = f"{parts['host']}:{parts['port']}"
    filled = {
        name: re.sub(r"\$\{\w+_PASSWORD:\?\}", "abc123", value).replace("@database/", f"@{place}/")
        for name, value in compose()["services"]["migrate"]["environment"].items()
    }
    port = str(free_port())
    filled = {name: value for name, value in filled.items() if not value.endswith(":-}")}
    filled |= {
        "PLUMBLINE_BASE_URL": f"http://127.0.0.1:{port}",
        "PLUMBLINE_PORT": port,
        "PLUMBLINE_ENCRYPTION_KEYS": f"k1:{base64.b64encode(KEY).decode()}",
    }
    started = []
    for service in ("migrate", "worker"):
        command = compose()["services"][service]["command"]
        program = str(Path(sys.executable).with_name(command[0]))
        started.append(processes.start(service, [program, *command[1:]], filled))
        if service == "migrate":
            assert started[-1].process.wait(60) == 0
    program = str(Path(sys.executable).with_name("plumbline"))
    processes.start("serve", [program, "serve"], filled)
    until(lambda: readiness(f"http://127.0.0.1:{port}")[0] == 200, "readiness")
    time.sleep(0.2)
    started[-1].alive()
