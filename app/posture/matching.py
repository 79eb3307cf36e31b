"""What is the same thing in different environments: APIs, by their Exchange coordinates."""

from app.posture.model import FactsBody


def api_key(facts: FactsBody) -> str:
    """Return `groupId/assetId`, or `name:` and the display name for an API without coordinates."""
    if facts["group_id"] and facts["asset_id"]:
        return f"{facts['group_id']}/{facts['asset_id']}"
    return "name:" + facts["name"].strip().casefold()
