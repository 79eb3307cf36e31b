"""The parameters by which posture and findings are filtered, sorted and paged."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from app.posture.model import Kind, Severity, Verdict
from app.store.posture_rows import Filter, Sort
from app.web.fields import Id, PageNumber, Query, Text

MOST_CHOICES = 50
MOST_ROWS = 100
MOST_FINDINGS = 500

Choices = Field(max_length=MOST_CHOICES)


class ChoiceQuery(Query):
    """Which APIs are wanted: AND between the parameters, OR within one."""

    search: Text = ""
    environment: Annotated[list[Id], Choices] = Field(default_factory=list)
    group: Annotated[list[Id], Choices] = Field(default_factory=list)
    verdict: Annotated[list[Verdict], Choices] = Field(default_factory=list)
    severity: Annotated[list[Severity], Choices] = Field(default_factory=list)
    kind: Annotated[list[Kind], Choices] = Field(default_factory=list)

    def choice(self) -> Filter:
        """Return the filter as the store takes it, in the usual order."""
        return Filter(
            search=self.search.strip(),
            environments=tuple(self.environment),
            groups=tuple(self.group),
            verdicts=tuple(self.verdict),
            severities=tuple(self.severity),
            kinds=tuple(self.kind),
        )


class FilterQuery(ChoiceQuery):
    """The same, page by page."""

    page: PageNumber = 1

    def filter_of(self, *, size: int, sort: Sort = Sort.WORST) -> Filter:
        """Return the filter as the store takes it."""
        return replace(self.choice(), sort=sort, page=self.page, size=size)


class TurnQuery(Query):
    """Which page of a part that turns by itself is wanted."""

    page: PageNumber = 1


class PostureQuery(FilterQuery):
    """Which rows of the overview, in which order."""

    sort: Sort = Sort.WORST
    size: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 50

    def filter(self) -> Filter:
        """Return the filter as the store takes it."""
        return self.filter_of(size=self.size, sort=self.sort)


class FindingsQuery(FilterQuery):
    """Which findings, worst first."""

    size: Annotated[int, Field(ge=1, le=MOST_FINDINGS)] = 100

    def filter(self) -> Filter:
        """Return the filter as the store takes it."""
        return self.filter_of(size=self.size)
