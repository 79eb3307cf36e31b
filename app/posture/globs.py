"""Patterns of allowed values: `*`, `?` and `[...]`, matched in linear memory and bounded time."""

from functools import lru_cache

LONGEST = 200
MOST_STARS = 5
LONGEST_TEXT = 4000
"""Of a value that a pattern can cover: as long as one that can be written down as expected."""

STAR = "*"
ANY = "?"

Token = str | tuple[bool, frozenset[tuple[str, str]]]
"""A character, `*`, `?`, or a set: whether it is turned round, and its ranges."""


def problem(pattern: str) -> str | None:
    """Return why a pattern is not allowed, in a sentence, or None where it is."""
    if not pattern:
        return "A pattern needs at least one character."
    if len(pattern) > LONGEST:
        return f"A pattern may have up to {LONGEST} characters."
    if pattern.count(STAR) > MOST_STARS:
        return f"A pattern may have up to {MOST_STARS} stars."
    return None


def matches(text: str, pattern: str) -> bool:
    """Whether a pattern covers the whole of a text, upper and lower case apart.

    Only the last star is ever tried again, so the time is at most text times pattern; a text that is
    longer than any that is meant is not covered.
    """
    if len(text) > LONGEST_TEXT:
        return False
    tokens = _tokens(pattern)
    at, place = 0, 0
    star, retry = -1, 0
    while at < len(text):
        if place < len(tokens) and tokens[place] == STAR:
            star, retry = place, at
            place += 1
        elif place < len(tokens) and _takes(tokens[place], text[at]):
            at += 1
            place += 1
        elif star >= 0:
            retry += 1
            at, place = retry, star + 1
        else:
            return False
    return all(token == STAR for token in tokens[place:])


def _takes(token: Token, letter: str) -> bool:
    if isinstance(token, str):
        return token == ANY or token == f"\\{letter}"
    is_turned, ranges = token
    return is_turned != any(first <= letter <= last for first, last in ranges)


@lru_cache(maxsize=1024)
def _tokens(pattern: str) -> tuple[Token, ...]:
    """Return a pattern's parts; a plain character has a backslash before it."""
    tokens: list[Token] = []
    place = 0
    while place < len(pattern):
        letter = pattern[place]
        end = _end_of_set(pattern, place) if letter == "[" else -1
        if end > 0:
            tokens.append(_set(pattern[place + 1 : end]))
            place = end
        elif letter == STAR:
            tokens += [STAR] if tokens[-1:] != [STAR] else []
        else:
            tokens.append(ANY if letter == ANY else f"\\{letter}")
        place += 1
    return tuple(tokens)


def _end_of_set(pattern: str, start: int) -> int:
    """Return where a set ends, or -1 where the bracket stands for itself."""
    after = start + 1
    if pattern[after : after + 1] == "!":
        after += 1
    return pattern.find("]", after + 1)


def _set(inside: str) -> Token:
    is_turned = inside.startswith("!")
    letters = inside[1:] if is_turned else inside
    ranges = set()
    place = 0
    while place < len(letters):
        is_range = letters[place + 1 : place + 2] == "-" and place + 2 < len(letters)
        last = letters[place + 2] if is_range else letters[place]
        ranges.add((letters[place], last))
        place += 3 if is_range else 1
    return is_turned, frozenset(ranges)
