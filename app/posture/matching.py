"""What is the same thing in different environments, and what only has the same name."""

from app.posture.model import FactsBody


def api_key(facts: FactsBody) -> str:
    """Return `groupId/assetId`, or `name:` and the display name for an API without coordinates."""
    if facts["group_id"] and facts["asset_id"]:
        return f"{facts['group_id']}/{facts['asset_id']}"
    return "name:" + facts["name"].strip().casefold()


def told_apart(name: str, taken: dict[str, int]) -> str:
    """Return a name that is not taken yet, `~2` and so on behind it, and take it.

    Somebody may have given such a name by hand: it must not hide the one that it looks like.
    """
    number = taken.get(name, 0) + 1
    while number > 1 and f"{name}~{number}" in taken:
        number += 1
    taken[name] = number
    if number == 1:
        return name
    told = f"{name}~{number}"
    taken[told] = 1
    return told
