"""The columns of the drilldown: what stands at their heads, and what is last known of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.posture.matrices import matrices
from app.posture.model import (
    ApiReading,
    CellState,
    InstanceReading,
    Matrix,
    MatrixColumn,
    SectionName,
)
from app.store.instances import SECTIONS, StoredInstance
from app.web.published_api import Matrices, PublishedApi

COMPARED = (SectionName.POLICIES, SectionName.TIERS, SectionName.CONTRACTS)


@dataclass(frozen=True, slots=True)
class ColumnShown:
    """A column of one section; `reason` and `since` say why and since when it was not read."""

    environment_id: str
    name: str
    is_baseline: bool
    state: str
    instance_id: str
    label: str
    url: str
    reason: str
    since: datetime | None
    title: str

    @property
    def is_unread(self) -> bool:
        """Whether what stands below is not what is true now."""
        return self.state == CellState.UNREADABLE


@dataclass(frozen=True, slots=True)
class ColumnGroup:
    """An environment over its columns."""

    name: str
    is_baseline: bool
    span: int


def known_matrices(api: PublishedApi) -> Matrices:
    """Return the matrices with what was not read as it was last known; marks stay true ones."""
    if not any(c.state is CellState.UNREADABLE for m in api.matrices for c in m.columns):
        return api.matrices
    environments = tuple(replace(item, not_listed=None) for item in api.scope.environments)
    scope = replace(api.scope, environments=environments)
    known = tuple(_as_known(item) for item in api.instances)
    reading = ApiReading(api.row.api_key, tuple(item for item in known if item.facts.was_read))
    return matrices(scope, reading, api.posture)


def _as_known(stored: StoredInstance) -> InstanceReading:
    """Return an instance with each unread section as it was last read, if it ever was."""
    sections = {}
    for name in SECTIONS:
        section = getattr(stored.reading, name)
        body = section.body if section.body is not None else stored.last_good.get(name, (None,))[0]
        if body is not None:
            sections[name.value] = section._replace(body=body, not_read=None)
    return stored.reading._replace(**sections)


def columns(
    api: PublishedApi, section: SectionName, known: Matrix, bases: Sequence[str]
) -> list[ColumnShown]:
    """Return the columns of a section as they are known, each with what is true of it now."""
    true = api.matrices[COMPARED.index(section)].columns
    by_instance = {(c.environment_id, c.instance_id): c for c in true}
    by_environment = {c.environment_id: c for c in true}
    stored = {
        (item.reading.environment_id, item.reading.instance_id): item for item in api.instances
    }
    found = []
    for column in known.columns:
        place = (column.environment_id, column.instance_id)
        now = by_instance.get(place) or by_environment[column.environment_id]
        instance = stored.get((column.environment_id, column.instance_id or 0))
        since = _since(api, section, column, instance) if now.reason else None
        found.append(_column(column, now, instance, since, bases))
    return found


def _column(
    column: MatrixColumn,
    now: MatrixColumn,
    instance: StoredInstance | None,
    since: datetime | None,
    bases: Sequence[str],
) -> ColumnShown:
    url = (instance.reading.url if instance else None) or ""
    number = str(column.instance_id) if column.instance_id is not None else ""
    label = f"{column.name} {number}".strip()
    return ColumnShown(
        column.environment_id,
        column.name,
        column.is_baseline,
        now.state.value,
        number,
        column.label or "",
        url if url.startswith(tuple(f"{base}/" for base in bases)) else "",
        now.reason or "",
        since,
        label,
    )


def _since(
    api: PublishedApi,
    section: SectionName,
    column: MatrixColumn,
    instance: StoredInstance | None,
) -> datetime | None:
    """Return when a column's section was last read, None if that is not known."""
    if instance is None:
        return None
    if section in instance.last_good:
        return instance.last_good[section][1]
    held = getattr(instance.reading, section.value).body
    read_at = {item.id: item.read_at for item in api.sync.environments}
    return None if held is None else read_at.get(column.environment_id)


def groups(found: Sequence[ColumnShown]) -> list[ColumnGroup]:
    """Return the environments over their columns, in the columns' order."""
    spans: dict[str, ColumnGroup] = {}
    for column in found:
        before = spans.get(column.environment_id)
        span = before.span + 1 if before else 1
        spans[column.environment_id] = ColumnGroup(column.name, column.is_baseline, span)
    return list(spans.values())
