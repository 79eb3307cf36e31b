"""The matrix of policies: as they run, automated ones first, settings by path below each."""

from collections.abc import Iterator, Mapping, Sequence

from app.posture import words
from app.posture.applied import Applied
from app.posture.changes import spelled_alike
from app.posture.columns import (
    NONE,
    Column,
    cells,
    differing,
    is_told,
    marks_of,
    members_by_column,
)
from app.posture.effective import API_LEVEL, AUTOMATED, running
from app.posture.frame import Frame
from app.posture.lanes import Lane, LinedUp
from app.posture.model import (
    ApiPosture,
    CellState,
    FieldRow,
    Json,
    Kind,
    MatrixCell,
    MatrixColumn,
    MatrixRow,
    SectionName,
)
from app.posture.normalisation import Configuration
from app.posture.secrets import SHOWN, shown
from app.posture.sides import Side
from app.posture.slots import Slot, names_of_several, shared_names, slots_by_policy, slots_of

_COMPARED = frozenset({Kind.POLICY_CONFIG})
_LAST = 1_000_000


def is_automated(row: MatrixRow) -> bool:
    """Whether a row of policies is about an automated one."""
    held = (cell.facts for cell in row.cells if cell is not None and cell.facts is not None)
    return any(facts.get("source") == AUTOMATED for facts in held)


def why_unread(
    row: MatrixRow | None, column: MatrixColumn, automated: Mapping[str, str]
) -> str | None:
    """Return why nothing is known of a row, or of a section without rows; None where it is known.

    `automated` has the reasons of automated policies, which are read with their environment.
    """
    own = automated.get(column.environment_id) if row and is_automated(row) else None
    return column.reason or own or "" if column.state is CellState.UNREADABLE else own


def policy_rows(
    frame: Frame, lined: LinedUp, columns: tuple[Column, ...], posture: ApiPosture
) -> Iterator[MatrixRow]:
    """Yield a row for each policy of each lane in the order of running."""
    ambiguous = shared_names(lined.lanes)
    for lane in lined.lanes:
        automated = {s.environment_id: [a.policy for a in s.automated or ()] for s in lane.sides}
        names = names_of_several(policy for own in automated.values() for policy in own)
        rows = [(AUTOMATED, slot) for slot in slots_by_policy(automated, names)]
        rows += [(API_LEVEL, slot) for slot in slots_of(lane, ambiguous)]
        positions = {s.environment_id: _positions(s) for s in lane.sides}
        rows.sort(key=lambda row: _place(frame, positions, row))
        for source, slot in rows:
            yield _row(columns, lane, posture, positions, source, slot)


Positions = Mapping[tuple[str, int], int]


def _positions(side: Side) -> Positions:
    """Return where each enabled policy runs, by its source and identity in memory."""
    ordered = running(side.effective)
    return {(each.source, id(each.policy)): i for i, each in enumerate(ordered, 1)}


def _place(
    frame: Frame, positions: Mapping[str, Positions], row: tuple[str, Slot]
) -> tuple[bool, bool, int, str]:
    """Return where a row stands: as it runs in the baseline, else where it runs first."""
    source, slot = row
    places = {e: positions[e].get((source, id(p)), _LAST) for e, p in slot.members.items()}
    is_cors = any(policy.is_cors for policy in slot.members.values())
    place = places.get(frame.baseline or "", min(places.values()))
    return not is_cors, source == API_LEVEL, place, slot.subject


def _row(
    columns: tuple[Column, ...],
    lane: Lane,
    posture: ApiPosture,
    positions: Mapping[str, Positions],
    source: str,
    slot: Slot,
) -> MatrixRow:
    members = members_by_column(columns, lane, slot.members)
    told = [
        _told(column, policy, positions, source) if policy is not None else None
        for column, policy in zip(columns, members, strict=True)
    ]
    is_own = source == API_LEVEL
    marked = differing(marks_of(posture), lane, slot.subject) if is_own else NONE
    subject = lane.suffixed(slot.subject if is_own else f"{slot.subject} (automated)")
    row = cells(columns, lane, SectionName.POLICIES, told, marked)
    if not is_own:  # read with the environment, not with the instance's policies
        row = tuple(told)
    return MatrixRow(
        subject or slot.subject,
        row,
        bool(marked),
        _fields(columns, lane, posture, slot, members) if is_own else _plain_fields(members),
    )


def _told(
    column: Column, policy: Applied, positions: Mapping[str, Positions], source: str
) -> MatrixCell:
    facts: dict[str, Json] = {
        "version": policy.version,
        "state": "switched off" if policy.is_off else "on",
        "order": policy.order,
        "position": positions[column.environment_id].get((source, id(policy))),
        "source": source,
        "applies to": words.pointcut(policy.pointcut),
        "label": policy.label or None,
    }
    return MatrixCell(facts, words.summary(policy))


def _fields(
    columns: tuple[Column, ...],
    lane: Lane,
    posture: ApiPosture,
    slot: Slot,
    members: Sequence[Applied | None],
) -> tuple[FieldRow, ...]:
    """Return the settings by path; those that a finding names are marked, the worst first."""
    name = lane.suffixed(slot.subject)
    named = [
        path
        for finding in posture.findings
        if finding.subject == name and finding.kind in _COMPARED
        for path in finding.paths
    ]
    known = [column for column in columns if is_told(column, lane, SectionName.POLICIES)]
    rows = _plain_fields(members, named) if known else ()
    return tuple(sorted(rows, key=lambda r: named.index(r.path) if r.path in named else len(named)))


def _plain_fields(
    members: Sequence[Applied | None], named: Sequence[str] = ()
) -> tuple[FieldRow, ...]:
    configurations = [policy.configuration if policy else None for policy in members]
    views = [_view(each, named) if each else {} for each in configurations]
    paths = sorted({path for view in views for path in view})
    return tuple(
        FieldRow(
            path,
            words.field(path),
            _spelled(path, [view.get(path) for view in views], configurations),
            path in named,
            tuple(bool(each and path in each.normal.defaulted) for each in configurations),
        )
        for path in paths
    )


def _spelled(
    path: str, values: Sequence[Json], configurations: Sequence[Configuration | None]
) -> tuple[Json, ...]:
    """Return the values of a setting as Anypoint has them, where only their case is another one."""
    sent = {
        column: shown(each.normal.spelled[path])
        for column, each in enumerate(configurations)
        if each and path in each.normal.spelled
    }
    told = spelled_alike(dict(enumerate(values)), sent) if sent else {}
    return tuple(told.get(column, value) for column, value in enumerate(values))


def _view(configuration: Configuration, named: Sequence[str]) -> dict[str, Json]:
    """Return what is shown of a configuration: its fields, and items where they were compared."""
    view = {path: shown(value) for path, value in configuration.fields.items()}
    view |= dict.fromkeys(sorted(configuration.normal.masked), SHOWN)
    for path, items in configuration.normal.bags.items():
        if any(each.startswith(f"{path}[0]") for each in named) and len(items) == 1:
            view.pop(path, None)
            view |= {f"{path}[0].{inner}": shown(value) for inner, value in items[0].items()}
    return view
