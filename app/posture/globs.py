"""Patterns of allowed values: `*`, `?` and `[...]`, as the shell's; upper and lower case apart."""

from fnmatch import fnmatchcase

LONGEST = 200
MOST_STARS = 5
LONGEST_TEXT = 4000
"""Of a value that a pattern can cover: as long as one that can be written down as expected."""


def problem(pattern: str) -> str | None:
    """Return why a pattern is not allowed, in a sentence, or None where it is."""
    if not pattern:
        return "A pattern needs at least one character."
    if len(pattern) > LONGEST:
        return f"A pattern may have up to {LONGEST} characters."
    if pattern.count("*") > MOST_STARS:
        return f"A pattern may have up to {MOST_STARS} stars."
    return None


def matches(text: str, pattern: str) -> bool:
    """Whether a pattern covers the whole of a text; never one longer than any that is meant.

    Python's own patterns never go back behind a star that has found its place (since 3.9), so the
    time is at most text times pattern.
    """
    return len(text) <= LONGEST_TEXT and fnmatchcase(text, pattern)
