"""What each endpoint of Anypoint answers for an estate, encoded once and kept."""

from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from sandbox import estate_accounts as accounts
from sandbox import estate_payloads as payloads
from sandbox.estate_model import Api, Estate, Instance, Json

Answer = tuple[int, bytes]

NOT_FOUND: Answer = (404, b'{"name":"NotFoundError","message":"Not found"}')
NO_USER: Answer = (401, b'{"message":"There is no user attached to the token"}')


class Answers:
    """The bodies of an estate. `total_counts` is the unit of a list of APIs: nobody knows it."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.total_counts = "assets"
        self._bodies: dict[tuple[str, bytes], Answer] = {}
        self._assets: dict[str, list[Json]] = {}
        self._instances: dict[tuple[str, int], tuple[Api, Instance]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Forget what was encoded: the estate has changed."""
        self._bodies.clear()
        self._assets.clear()
        self._instances = {
            (item.environment_id, item.instance_id): (api, item)
            for api in self.estate.apis
            for item in api.instances
        }

    def answer(self, path: str, query: bytes) -> Answer:
        """Return status and body."""
        key = (path, query)
        if key not in self._bodies:
            self._bodies[key] = self._made(path, dict(parse_qsl(query.decode())))
        return self._bodies[key]

    def _made(self, path: str, query: dict[str, str]) -> Answer:
        match [unquote(part) for part in path.strip("/").split("/")]:
            case ["accounts", "api", *account]:
                return self._account(account, query)
            case ["apimanager", "api", "v1", "organizations", org, *rest] if self._knows(org):
                return self._api_manager(rest, query)
        return NOT_FOUND

    def _knows(self, organization_id: str) -> bool:
        return organization_id in self.estate.groups

    def _account(self, parts: list[str], query: dict[str, str]) -> Answer:
        match parts:
            case ["me"]:
                return ok(accounts.me(self.estate))
            case ["users", "me"]:
                return NO_USER
            case ["organizations", org] if self._knows(org):
                return ok(accounts.organization(self.estate, org))
            case ["organizations", org, "environments"] if self._knows(org):
                return self._environments(org, query)
        return NOT_FOUND

    def _environments(self, organization_id: str, query: dict[str, str]) -> Answer:
        is_root = organization_id == self.estate.organization_id
        listed = [accounts.environment(self.estate, item) for item in self.estate.environments]
        return page("data", listed if is_root else [], query, usual=25, most=500)

    def _api_manager(self, parts: list[str], query: dict[str, str]) -> Answer:
        match parts:
            case ["automated-policies"]:
                return ok(payloads.automated(self.estate, query.get("environmentId", "")))
            case ["environments", env, "apis"] if self._has_environment(env):
                return self._apis(env, query)
            case ["environments", env, "apis", number, part] if number.isdigit():
                return self._part(env, int(number), part, query)
        return NOT_FOUND

    def _has_environment(self, environment_id: str) -> bool:
        return any(item.id == environment_id for item in self.estate.environments)

    def _apis(self, environment_id: str, query: dict[str, str]) -> Answer:
        if environment_id not in self._assets:
            self._assets[environment_id] = payloads.assets(self.estate, environment_id)
        assets = [
            asset
            for asset in self._assets[environment_id]
            if all(query.get(key, asset[key]) == asset[key] for key in ("groupId", "assetId"))
        ]
        total = sum(asset["totalApis"] for asset in assets)
        return page(
            "assets", assets, query, total=total if self.total_counts == "instances" else None
        )

    def _part(
        self, environment_id: str, instance_id: int, part: str, query: dict[str, str]
    ) -> Answer:
        if (environment_id, instance_id) not in self._instances:
            return NOT_FOUND
        _, item = self._instances[environment_id, instance_id]
        if part == "policies" and query.get("fullInfo") == "false":
            return ok(payloads.policies(self.estate, item))
        if part == "policies":
            return ok(payloads.enabled_policies(item))
        if part == "tiers":
            return page("tiers", payloads.tiers(self.estate, item), query, most=250)
        if part == "contracts":
            return page("contracts", payloads.contracts(self.estate, item), query, most=250)
        return NOT_FOUND


def ok(value: Any) -> Answer:
    """Return a good answer."""
    return 200, orjson.dumps(value)


def page(
    key: str,
    rows: list[Any],
    query: dict[str, str],
    *,
    usual: int = 100,
    most: int = 100,
    total: int | None = None,
) -> Answer:
    """Return a page of rows, or 400 where more is asked than a page may hold."""
    limit, offset = int(query.get("limit", usual)), int(query.get("offset", 0))
    if limit > most:
        return 400, orjson.dumps({"message": f"limit must be <= {most}"})
    told = len(rows) if total is None else total
    return ok({"total": told, key: rows[offset : offset + limit]})
