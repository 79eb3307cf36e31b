"""The operator's pages: what they list is what the code has, and their commands exist."""

import re
import subprocess
import textwrap
from pathlib import Path

from app import cli, metrics
from app.settings import Settings
from app.store import migrating
from sandbox.stack import PLUMBLINE
from tests.postgres import FreshDatabase

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()


def exported() -> dict[str, set[str]]:
    """Return every metric as Prometheus sees it, and its labels."""
    found = {}
    for collector in metrics.REGISTRY._collector_to_names:
        (described,) = collector.describe()
        name = described.name + ("_total" if described.type == "counter" else "")
        found[name] = set(collector._labelnames)  # type: ignore[attr-defined]
    return found


def test_every_metric_is_explained_with_its_labels() -> None:
    table = PAGE.partition("<!-- metrics -->")[2].partition("<!-- end of metrics -->")[0]
    listed = {}
    for line in table.splitlines()[3:]:
        _, name, labels, what, alert, _ = (cell.strip() for cell in line.split("|"))
        listed[name.strip("`")] = set(re.findall(r"`(\w+)`", labels))
        assert what
        assert alert
    assert listed == exported()


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"PLUMBLINE_[A-Z_]+", PAGE))
    assert named <= {f"PLUMBLINE_{name.upper()}" for name in Settings.model_fields}


def test_every_default_of_the_settings_page_is_the_codes() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| `PLUMBLINE_([A-Z_]+)` \| (.*) \| (.*) \|$", page, re.MULTILINE)
    told = {name.lower(): (meaning, default.strip("`")) for name, meaning, default in rows}
    assert told == {name: documented(name) for name in Settings.model_fields}


def documented(name: str) -> tuple[str, str]:
    """Return a setting's description and its default, as the page writes them."""
    field = Settings.model_fields[name]
    value = field.get_default(call_default_factory=True)
    shown = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    return field.description or "", "empty" if shown in (None, "") else str(shown)


def test_every_command_that_is_named_exists() -> None:
    words = set(re.findall(r"`plumbline ([a-z-]+)`|^\s*plumbline ([a-z-]+)$", PAGE, re.MULTILINE))
    named = {one or other for one, other in words}
    assert {"serve", "worker", "migrate", "verify", "rotate-keys"} <= named
    (choices,) = (
        action.choices for action in cli._parser()._actions if isinstance(action.choices, dict)
    )
    assert named <= set(choices)


def test_the_steps_of_setting_up_can_be_followed_in_their_order(addresses: FreshDatabase) -> None:
    """Each with what the steps before it have made, and with nothing else."""
    migrating.migrate(addresses.owner_url, "base")
    section = PAGE.partition("## Setting up")[2].partition("\n## ")[0]
    blocks = re.findall(r"```(\w*)\n(.*?)```", section, re.DOTALL)
    steps = "\n".join(textwrap.dedent(block) for language, block in blocks if not language)
    for role, url in (("app", addresses.app_url), ("owner", addresses.owner_url)):
        steps = steps.replace(f"postgresql://plumbline_{role}:…@database/plumbline", url)
    path = f"{PLUMBLINE.parent}:/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run(["sh", "-ec", steps], env={"PATH": path}, capture_output=True, text=True)
    assert "plumbline migrate" in steps
    assert done.returncode == 0, done.stderr


def test_every_file_that_is_linked_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
    mentioned = re.findall(r"`(tests/[\w/.]+)`", PAGE)
    assert [path for path in mentioned if not (ROOT / path).exists()] == []
