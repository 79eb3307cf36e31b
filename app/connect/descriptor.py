"""The descriptor: what the app tells Confluence about itself."""

import json
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parents[2] / "atlassian-connect.json"


def descriptor(base_url: str) -> dict[str, Any]:
    """Return the descriptor of a deployment under this public URL."""
    filled: dict[str, Any] = json.loads(TEMPLATE.read_text())
    filled["baseUrl"] = base_url
    filled["vendor"]["url"] = base_url
    filled["links"] = {"self": f"{base_url}/atlassian-connect.json"}
    return filled


def app_key() -> str:
    """Return the app's key, the same in every deployment."""
    key: str = json.loads(TEMPLATE.read_text())["key"]
    return key
