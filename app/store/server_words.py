"""Why a database does not serve, in its own words: for an operator's terminal, never for a visitor."""

import re

import psycopg

REFUSAL = re.compile(r"FATAL:\s*(.+)")


def reason(error: BaseException | None) -> str:
    """Return what the server or the network said in one line; '' where neither is the cause."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, psycopg.Error):
        found = found.__cause__
    if found is None:
        return ""
    if found.diag.message_primary:
        return found.diag.message_primary
    text = str(found)
    if refused := REFUSAL.search(text):
        return refused[1]
    return text.partition("\n")[0].removeprefix("connection failed: ")
