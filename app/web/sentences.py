"""Sentences with numbers, names and times in them, as the pages say them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from app.errors import NotPermitted
from app.web.words import FAULTS, TEXTS

THOUSANDS = "\u202f"


def of_fault(code: str, route: str = "") -> dict[str, str]:
    """Return the title and the next step for an error's code; a general pair for any other.

    An editor of macros asks for another right than the settings do.
    """
    if code == NotPermitted.code and route.endswith("/editor"):
        code = "not_permitted_editor"
    title, step = FAULTS.get(
        code,
        ("This did not work", "Reload the page. If it happens again, report the request id below."),
    )
    return {"title": title, "step": step}


def number(value: int) -> str:
    """Return a number, its thousands apart by the space that no language takes for a decimal mark.

    The script writes it as the reader's language does.
    """
    return f"{value:,}".replace(",", THOUSANDS)


def count(of: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: "1 API", "2 APIs"."""
    return f"{number(of)} {one if of == 1 else many or one + 's'}"


@lru_cache(maxsize=1024)
def moment(time: datetime) -> str:
    """Return a time in full, as the server says it: UTC. The script rewrites it."""
    return f"{time.day} {time:%b %Y, %H:%M} UTC"


def ago(time: datetime, now: datetime) -> str:
    """Return how long ago a time was, in its largest whole unit."""
    seconds = max(0, int((now - time).total_seconds()))
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60))
    for unit, length in units:
        if seconds >= length:
            return f"{count(seconds // length, unit)} ago"
    return "just now"


def hours(number: int) -> str:
    """Return a number of hours in words."""
    return "hour" if number == 1 else count(number, "hour")


def policies(number: int | None, switched_off: int, automated: int) -> str:
    """Say how many policies an environment applies: none, off and automated ones told apart."""
    if number is None:
        text = "Policies: could not read"
    elif number == 0:
        text = "Policies: none"
    else:
        text = count(number, "policy", "policies")
    if switched_off:
        text += f" ({switched_off} off)"
    if automated:
        text += f" +{automated} automated"
    return text


def tiers(names: Sequence[str] | None) -> str:
    """Name the SLA tiers: none where none were read."""
    if names is None:
        return "Tiers: could not read"
    return "Tiers: " + (", ".join(sorted(names, key=str.casefold)) or "none")


def contracts(number: int | None) -> str:
    """Say how many contracts are approved: none where zero was read."""
    if number is None:
        return "Contracts: could not read"
    return count(number, "contract") if number else "Contracts: none"


def stale(age: str, interval_hours: int) -> str:
    """Say that what is shown is older than twice the interval."""
    return f"It was last read {age}; a sync is due every {hours(interval_hours)}."


def sentence(text: str) -> str:
    """Return a reason as a sentence of its own: a capital at its start."""
    return text[:1].upper() + text[1:]


def connected(organization: str | None, environments: Sequence[str]) -> str:
    """Say what the space is connected to; the environments are unknown until they were listed."""
    if not environments:
        return f"{organization or 'Anypoint'}. The environments are listed by the first sync."
    return f"{organization or 'Anypoint'}: {', '.join(environments)}."


def shrunk(environment: str, earlier: int, later: int) -> str:
    """Say that a sync found far fewer instances in an environment than the one before."""
    return f"{environment}: the last sync read {count(later, 'API instance')}, the one before {number(earlier)}"


def coverage(whole: int, environments: int, total: int, unknown: int) -> str:
    """Say how much was read: a verdict never stands without it."""
    if whole == environments:
        read = f"{count(total, 'API')} in {count(environments, 'environment')}, read completely"
    else:
        read = f"{count(total, 'API')}; {whole} of {count(environments, 'environment')} read completely"
    return f"{read}, {unknown} unknown." if unknown else f"{read}."


def found(total: int, of: int) -> str:
    """Say how many rows match."""
    return count(total, "API") if total == of else f"{number(total)} of {count(of, 'API')}"


def range_line(page: int, size: int, total: int) -> str:
    """Say which rows of how many a page shows."""
    first = (page - 1) * size + 1
    return f"{number(first)}–{number(min(page * size, total))} of {count(total, 'API')}"


def reading(name: str | None, done: int, total: int | None) -> str:
    """Say where a running sync is."""
    if total is None:
        return f"Reading {name or 'Anypoint'}: listing the APIs"
    if done >= total:
        return TEXTS["publishing"]
    return f"Reading {name or 'Anypoint'}: {number(done)} of {count(total, 'API instance')}"


def unconfirmed(finding: str) -> str:
    """Return a finding's sentence for when what it is about could not be read lately."""
    return f"{finding} (as last read; the last sync could not confirm it)"


def accepted(until: datetime) -> str:
    """Say until when a finding is accepted."""
    return f"accepted until {moment(until)}"


def first_rows(shown: int, total: int) -> str:
    """Say that only the first rows are here."""
    return f"The first {shown} of {count(total, 'API')}."


def more_findings(left: int) -> str:
    """Say how many findings are left out."""
    return f"and {number(left)} more"


def not_read(name: str, reason: str) -> str:
    """Say why an environment was not read."""
    return f"Could not read {name}: {sentence(reason)}"


def read_in_part(name: str, reason: str) -> str:
    """Say why an environment was not wholly read."""
    return f"{name} was read in part: {sentence(reason)}"


def found_apis(shown: int, total: int) -> str:
    """Say what a search found, and whether there is more than the list shows."""
    if total > shown:
        return f"{count(total, 'API')}; the first {shown} are listed. Type more to narrow it down."
    return f"{count(total, 'API')} found." if total else "No API matches."


def kept(days: int, when_gone: int) -> tuple[str, ...]:
    """Say how long what is kept, and what remains of it when the app or the space is gone."""
    return (
        f"History is kept for {count(days, 'day')}. Snapshots stay as long as the space.",
        "When the app is uninstalled or the space deleted, syncs stop and the credentials are destroyed at once. "
        f"Everything else is deleted {count(when_gone, 'day')} later; installed again before that, the history is still there.",
        "Macros and exports that stand on pages or were downloaded are not Plumbline's to delete.",
    )


def duration(length: timedelta) -> str:
    """Return how long something took, to the second; "under 1 s" for less."""
    seconds = int(length.total_seconds())
    if seconds < 1:
        return "under 1 s"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
