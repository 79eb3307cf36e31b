"""The stand-in's own endpoints: what was planted, what was asked, what shall change or fail."""

import copy
import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.anypoint_answers import Answer, Answers, ok
from sandbox.anypoint_faults import RateLimit, Trouble
from sandbox.estate_model import Api, Estate, Json
from sandbox.estate_plan import as_json

ENVIRONMENT = re.compile(r"/environments/([^/]+)/")


@dataclass
class Stats:
    """Counts of what was asked: `calls` by kind of path, `places` by environment."""

    requests: int = 0
    in_flight: int = 0
    peak: int = 0
    tokens: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)

    def begin(self, path: str) -> None:
        """Count a request that came in."""
        self.requests += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        kind = path.rpartition("/")[2]
        self.calls[kind] = self.calls.get(kind, 0) + 1
        if place := ENVIRONMENT.search(path):
            self.places[place[1]] = self.places.get(place[1], 0) + 1

    def end(self) -> None:
        """Count a request that is answered."""
        self.in_flight -= 1


class Control:
    """Everything that a test may ask of the stand-in, or do to it."""

    def __init__(self, estate: Estate, latency_ms: float = 0) -> None:
        self.estate = estate
        self.answers = Answers(estate)
        self.trouble = Trouble(estate)
        self.stats = Stats()
        self.latency_ms = latency_ms
        self.token_seconds: Json = 3600
        self.refuses_credentials = False
        self.grants = 0  # also the number in the token that is good

    def get(self, path: str) -> Answer:
        """Answer `GET /_control/truth` and `GET /_control/stats`."""
        if path.endswith("/truth"):
            return ok(as_json(self.estate))
        return ok(vars(self.stats))

    def post(self, wish: dict[str, Any]) -> Answer:
        """Do what a `POST /_control` asks; keys that are absent change nothing."""
        if wish.get("reset"):
            self.trouble.clear()
            self.refuses_credentials = False
            self.stats = Stats()
        for fault in wish.get("faults", []):
            self.trouble.add(fault)
        for scope in wish.get("forbid", []):
            self.trouble.forbid(**scope)
        if "rate_limit" in wish:
            limit = wish["rate_limit"]
            self.trouble.rate_limit = RateLimit(**limit) if limit else None
        self.latency_ms = wish.get("latency_ms", self.latency_ms)
        self.token_seconds = wish.get("token_seconds", self.token_seconds)
        self.refuses_credentials = wish.get("refuse_credentials", self.refuses_credentials)
        self.grants += bool(wish.get("revoke"))
        self._change(wish)
        return ok({"done": True})

    def _change(self, wish: dict[str, Any]) -> None:
        self.answers.total_counts = wish.get("total_counts", self.answers.total_counts)
        for change in wish.get("mutate", []):
            CHANGES[change["op"]](self.estate, change)
        self.answers.refresh()


def _api(estate: Estate, asset_id: str) -> Api:
    return next(api for api in estate.apis if api.asset_id == asset_id)


def _environment_id(estate: Estate, name: str) -> str:
    return next(item.id for item in estate.environments if name in (item.id, item.name))


def set_value(estate: Estate, change: dict[str, Any]) -> None:
    """Change one value of a policy's configuration; the path is `rateLimits.0.maximumRequests`."""
    item = _api(estate, change["api"]).in_environment(
        _environment_id(estate, change["environment"])
    )
    *parents, last = [
        int(part) if part.isdigit() else part for part in re.split(r"\.", change["path"])
    ]
    place: Any = item.policy(change["policy"]).configuration
    for part in parents:
        place = place[part]
    place[last] = change["value"]


def remove_policy(estate: Estate, change: dict[str, Any]) -> None:
    """Take a policy from one instance."""
    environment_id = _environment_id(estate, change["environment"])
    _api(estate, change["api"]).in_environment(environment_id).drop(change["policy"])


def remove_instance(estate: Estate, change: dict[str, Any]) -> None:
    """Undeploy an API from one environment."""
    api = _api(estate, change["api"])
    api.instances.remove(api.in_environment(_environment_id(estate, change["environment"])))


def add_api(estate: Estate, change: dict[str, Any]) -> None:
    """Add an API in every environment, set up like the first one there is."""
    added = copy.deepcopy(estate.apis[0])
    added.name = change["name"]
    added.asset_id = added.name.lower().replace(" ", "-")
    newest = max(item.instance_id for api in estate.apis for item in api.instances)
    for place, item in enumerate(added.instances, start=1):
        item.instance_id = newest + place
    estate.apis.append(added)


CHANGES = {
    "set": set_value,
    "remove_policy": remove_policy,
    "remove_instance": remove_instance,
    "add_api": add_api,
}
