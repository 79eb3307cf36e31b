"""The three matrices of the drilldown: one API's policies, tiers and contracts side by side."""

from collections.abc import Iterable

from app.posture.agreement_matrices import contract_rows, tier_rows
from app.posture.columns import Column, columns_of
from app.posture.frame import frame_of
from app.posture.lanes import lined_up
from app.posture.model import (
    ApiPosture,
    ApiReading,
    Matrix,
    MatrixRow,
    Scope,
    SectionName,
)
from app.posture.policy_matrix import policy_rows


def matrices(scope: Scope, api: ApiReading, posture: ApiPosture) -> tuple[Matrix, Matrix, Matrix]:
    """Return policies, tiers and contracts; where an API is not deployed its column is empty."""
    frame = frame_of(scope)
    lined = lined_up(frame, api)
    columns = columns_of(frame, lined)
    return (
        _matrix(SectionName.POLICIES, columns, policy_rows(frame, lined, columns, posture)),
        _matrix(SectionName.TIERS, columns, tier_rows(lined, columns, posture)),
        _matrix(SectionName.CONTRACTS, columns, contract_rows(frame, lined, columns, posture)),
    )


def _matrix(section: SectionName, columns: tuple[Column, ...], rows: Iterable[MatrixRow]) -> Matrix:
    return Matrix(section, tuple(column.of(section) for column in columns), tuple(rows))
