"""The remarks of the drilldown: each stands under the section that it is about."""

from app.posture import words
from app.posture.model import SectionName
from app.web import sentences
from app.web.drilldown.words import TEXTS
from app.web.published_api import PublishedApi


def notes(api: PublishedApi, *sections: SectionName | None) -> list[str]:
    """Return the remarks about these sections, each once."""
    found = [str(note["sentence"]) for note in api.row.notes if note["section"] in sections]
    if SectionName.POLICIES in sections:
        found += _about_automated(api)
    return list(dict.fromkeys(found))


def unread_automated(api: PublishedApi) -> dict[str, str]:
    """Return why automated policies could not be read, by environment."""
    return {
        item.environment.id: item.automated.not_read
        for item in api.scope.environments
        if item.automated.not_read is not None
    }


def _about_automated(api: PublishedApi) -> list[str]:
    names = {item.id: item.name for item in api.sync.environments}
    unread = [
        f"Automated policies of {names[place]}: could not read. {sentences.sentence(reason)}"
        for place, reason in unread_automated(api).items()
    ]
    if not api.automated:
        return unread
    policies = sorted({words.policy(row.subject or "") for row in api.automated})
    return [TEXTS["automated_differ"].format(words.listed(policies)), *unread]
