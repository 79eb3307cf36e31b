"""The kinds of value that a request may hold: each with its limit, none with a control character."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

DELETE = 0x7F


def clean(text: str) -> str:
    """Return a text as it is; ValueError for control characters, which Postgres and logs refuse."""
    if any(ord(letter) < ord(" ") or ord(letter) == DELETE for letter in text):
        raise ValueError("This holds control characters.")
    return text


def clean_lines(text: str) -> str:
    """Return a text of several lines as it is; ValueError for other control characters."""
    clean(text.replace("\r\n", "\n").replace("\n", " ").replace("\t", " "))
    return text


def trimmed(text: str) -> str:
    """Return a text without blanks around it; ValueError where nothing is left."""
    if not text.strip():
        raise ValueError("This must not be empty.")
    return text.strip()


def distinct(values: list[str]) -> list[str]:
    """Return values as they are; ValueError if one stands twice."""
    if len(set(values)) != len(values):
        raise ValueError("A value stands twice.")
    return values


Text = Annotated[str, StringConstraints(max_length=200), AfterValidator(clean)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(clean)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(clean)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(clean)]
PageNumber = Annotated[int, Field(ge=1, le=1_000_000)]


class Body(BaseModel):
    """A request's body: its own fields only, each of exactly its type."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Query(BaseModel):
    """A request's parameters; unknown ones were refused before."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class PageQuery(Query):
    """Which part of a list is wanted."""

    page: PageNumber = 1
    size: Annotated[int, Field(ge=1, le=100)] = 50
