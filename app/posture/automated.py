"""Automated policies of an environment, and to which instances they apply."""

from dataclasses import dataclass, replace
from functools import lru_cache

from app.posture.applied import Applied, applied
from app.posture.model import Json, Section

_FLEX = "flexgateway"
_SAME_TECHNOLOGY = {"omnigateway": _FLEX, "flexgateway": _FLEX}
_MULE3 = "mule3"


@dataclass(frozen=True, slots=True)
class Automated:
    """One automated policy. `technologies` is empty where the rule names none: it has no limit.

    `on_flex` is the policy with the defaults of Flex Gateway, which are not those of Mule.
    """

    policy: Applied
    technologies: frozenset[str]
    range: Json
    on_flex: Applied

    def applies_to(self, technology: str | None) -> bool:
        """Whether it reaches instances of a technology; Mule 3 has no automated policies."""
        own = technology_of(technology)
        return own != _MULE3 and (not self.technologies or own in self.technologies)

    def on(self, technology: str | None) -> "Automated":
        """Return it as it counts on the gateway of a technology."""
        if self.on_flex is self.policy or not is_flex(technology):
            return self
        return replace(self, policy=self.on_flex)


@lru_cache(maxsize=256)
def technology_of(technology: str | None) -> str:
    """Return the technology's one name; Omni Gateway is Flex Gateway."""
    folded = (technology or "").strip().casefold()
    return _SAME_TECHNOLOGY.get(folded, folded)


@lru_cache(maxsize=256)
def is_flex(technology: str | None) -> bool:
    """Whether defaults are those of Flex Gateway."""
    return technology_of(technology) == _FLEX


def automated_policies(section: Section) -> tuple[Automated, ...] | None:
    """Return an environment's automated policies, or None where they could not be read."""
    if not section.was_read:
        return None
    return tuple(
        Automated(
            applied(body, is_flex=_is_flex_only(body["technologies"])),
            frozenset(technology_of(each) for each in body["technologies"]),
            body["range"],
            applied(body, is_flex=True),
        )
        for body in section.content()
    )


def _is_flex_only(technologies: list[str]) -> bool:
    return bool(technologies) and all(is_flex(each) for each in technologies)
