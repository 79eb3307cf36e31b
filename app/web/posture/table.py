"""The rows of the posture tab: mappings, which the template reads by subscript."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TypedDict

from app.posture.model import Environment, Json
from app.store.posture_rows import PostureRow
from app.web import sentences, words

Cells = Mapping[str, Json]
NO_TIMES: Mapping[str, datetime] = MappingProxyType({})
NEVER: Mapping[tuple[str, str], datetime] = MappingProxyType({})


class InstanceShown(TypedDict):
    """One instance in a cell; `url` is empty where there is no address to trust."""

    id: str
    url: str
    version: str
    status: str
    title: str


class CellShown(TypedDict):
    """One environment of a row."""

    label: str
    state: str
    is_outlier: bool
    reason: str
    known: str
    known_at: datetime | None
    counts: str  # a fact per line
    families: str
    instances: list[InstanceShown]


class RowShown(TypedDict):
    """One API."""

    id: str
    name: str
    coordinates: str
    headline: str
    verdict: str
    word: str
    severities: list[tuple[str, str]]
    accepted: str
    changed_at: datetime | None
    cells: list[CellShown]


def rows(
    found: Iterable[PostureRow],
    columns: Sequence[Environment],
    group_names: Mapping[str, str],
    bases: Iterable[str],
    changed: Mapping[str, datetime] = NO_TIMES,
    last_read: Mapping[tuple[str, str], datetime] = NEVER,
) -> list[RowShown]:
    """Return the rows as shown, a cell per column.

    `changed` is when each became what it is; `last_read`, by API key and environment, when what
    could not be read now was read.
    """
    trusted = tuple(f"{base}/" for base in bases)
    return [
        _row(row, columns, group_names, trusted, changed.get(row.api_id), last_read)
        for row in found
    ]


def _row(
    row: PostureRow,
    columns: Sequence[Environment],
    group_names: Mapping[str, str],
    trusted: tuple[str, ...],
    changed_at: datetime | None,
    last_read: Mapping[tuple[str, str], datetime],
) -> RowShown:
    counts = ((severity, row.counts[severity]) for severity in words.SEVERITIES)
    cells: Cells = row.cells
    return {
        "id": row.api_id,
        "name": row.name,
        "coordinates": coordinates(row.group_id, row.asset_id, group_names),
        "headline": row.headline,
        "verdict": row.verdict.value,
        "word": words.VERDICTS[row.verdict],
        "severities": [(severity, f"{number} {severity}") for severity, number in counts if number],
        "accepted": f"{row.accepted} accepted" if row.accepted else "",
        "changed_at": changed_at,
        "cells": [
            environment_cell(
                column.name,
                column.type,
                cells.get(column.id),
                trusted,
                last_read.get((row.api_key, column.id)),
            )
            for column in columns
        ],
    }


def coordinates(group_id: str | None, asset_id: str | None, names: Mapping[str, str]) -> str:
    """Return `group/asset`, the group by its business group's name where that is known."""
    if not asset_id:
        return "not in Exchange: compared by name"
    return f"{names.get(group_id or '', group_id or '')}/{asset_id}"


def environment_cell(
    name: str,
    type_: str,
    cell: Cells | None,
    trusted: tuple[str, ...],
    known_at: datetime | None = None,
) -> CellShown:
    """Return what an environment holds of an API; addresses that are not trusted are left out."""
    held = cell or {"state": "not_deployed"}
    policies = sentences.policies(
        held.get("policies"), held.get("switched_off") or 0, held.get("automated") or 0
    )
    facts = (
        policies,
        sentences.tiers(held.get("tiers")),
        sentences.contracts(held.get("contracts")),
    )
    last = held.get("last_known")
    return {
        "label": f"{name} ({type_})",
        "state": held["state"],
        "is_outlier": bool(held.get("is_outlier")),
        "reason": held.get("reason") or "",
        "known": _last_known(last) if last else "",
        "known_at": known_at,
        "counts": "\n".join(facts),
        "families": " · ".join(held.get("families") or ()),
        "instances": [_instance(item, trusted) for item in held.get("instances") or ()],
    }


def _last_known(last: Cells) -> str:
    facts = (
        sentences.policies(last.get("policies"), 0, 0),
        sentences.tiers(last.get("tiers")),
        sentences.contracts(last.get("contracts")),
    )
    return f"Last known: {' · '.join(facts)}"


def _instance(item: Cells, trusted: tuple[str, ...]) -> InstanceShown:
    known = (item.get("label"), item.get("technology"))
    url = item.get("url") or ""
    return {
        "id": str(item["instance_id"]),
        "url": url if url.startswith(trusted) else "",
        "version": item.get("product_version") or "no version",
        "status": " · ".join(
            word for word in (item.get("asset_version"), item.get("status")) if word
        ),
        "title": " · ".join(["Open in API Manager", *(word for word in known if word)]),
    }
