"""Entitlement: which levels may inject what is prescription-only, and who must stand behind them.

The table of levels says it in its sources' words: "Y", "N", "under order", "depends on place".
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.catalog import Item
from inventory.errors import Conflict
from pricing.price_list import PractitionerLevel
from pricing.screening import Caution


class MayNotInject(Conflict):
    """The level may not inject what is prescription-only."""


def check(db: Session, level: PractitionerLevel, item_ids: Iterable[int]) -> tuple[Caution, ...]:
    """Warn of what a level needs to inject the prescription-only items among these.

    Raises MayNotInject where the level may not at all.
    """
    medicines = db.scalars(
        sa.select(Item.name)
        .where(Item.id.in_(sorted(set(item_ids))), Item.prescription_only)
        .order_by(Item.name)
    ).all()
    if not medicines:
        return ()
    named = ", ".join(medicines)
    if level.may_inject_rx == "N":
        raise MayNotInject(
            f"{level.name} ({level.code}) may not inject what is prescription-only: {named}. "
            "Choose a level that may, or another protocol."
        )
    needs = []
    if level.may_inject_rx == "under order":
        needs.append("injects it under a prescriber's order")
    elif level.may_inject_rx not in ("", "Y"):
        needs.append(f"may inject it: {level.may_inject_rx}")
    if level.can_prescribe == "N" and level.may_inject_rx == "Y":
        needs.append("may not prescribe it")
    elif level.can_prescribe not in ("", "Y", "N"):
        needs.append(f"may prescribe it: {level.can_prescribe}")
    if level.needs_supervision == "Y":
        needs.append("works under supervision")
    elif level.needs_supervision not in ("", "N"):
        needs.append(f"needs supervision: {level.needs_supervision}")
    if not needs:
        return ()
    return (Caution("prescription_only", f"Prescription-only: {named}. {level.name} {'; '.join(needs)}."),)
