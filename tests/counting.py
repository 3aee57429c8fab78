"""Counts for tests: `count(clinic)` begins one, `write(clinic, sheet, A17=27)` writes down what was found."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from inventory import clinic as clinics
from inventory import count_posting, counting, differences, stocktake
from inventory.count_posting import Posted
from inventory.counting import Found
from inventory.counts import Count
from inventory.differences import Difference, Line
from inventory.stocktake import Scope
from tests.shelf import BY, NOW, Clinic

HOUR = timedelta(hours=1)


def begin(clinic: Clinic, *, at: datetime = NOW, blind: bool = False, **scope: Any) -> Count:
    """A count of the clinic's site, narrowed down by a scope."""
    return stocktake.begin(clinic.db, Scope(**scope), site=clinic.site, at=at, by=BY, blind=blind)


def line(clinic: Clinic, sheet: Count, lot: str, *, place: str = "", opened: bool = False) -> Line:
    """The line of a lot: sealed in a place, or opened."""
    (found,) = [
        one
        for one in differences.lines(clinic.db, sheet)
        if one.lot_number == lot and opened is not one.sealed and place in one.place
    ]
    return found


def write(
    clinic: Clinic, sheet: Count, *, at: datetime = NOW, recorded_at: datetime | None = None, by: str = BY,
    again: bool = False, **found: str | int | None,
) -> None:  # fmt: skip
    """Write down what was found of lots; `L1_open` is of the opened vial of lot L1."""
    entries = []
    for name, quantity in found.items():
        lot, _, opened = name.partition("_")
        key = line(clinic, sheet, lot, opened=bool(opened)).id
        entries.append(Found(key, None if quantity is None else Decimal(quantity), again=again))
    counting.write_down(clinic.db, sheet, entries, at=at, recorded_at=recorded_at or at, by=by)


def differing(clinic: Clinic, sheet: Count) -> Sequence[Difference]:
    """The lines whose count is not what the book had."""
    return differences.differences(clinic.db, sheet).differing


def post(clinic: Clinic, sheet: Count, *, at: datetime = NOW, **more: Any) -> Posted:
    """Post it, as the weekly count."""
    return count_posting.post(clinic.db, sheet, at=at, by=BY, reason="weekly count", **more)


def stocked(db: Session) -> Clinic:
    """A shelf of hyaluron and lidocaine, one vial of which is open and holds 17 mL."""
    clinic = Clinic(db, share_opened_vials=True)
    clinics.change_setting(db, "recount_value", "0", at=NOW, by=BY)
    clinics.change_setting(db, "recount_rate", "0", at=NOW, by=BY)
    clinic.add_items("""
        HA      3 mL  single_dose  of hyaluron  syringe
        LIDO   20 mL  multi_dose   28 d  of lidocaine
        NEEDLE  1 each none        consumable
    """)
    clinic.receive("HA", "A17 exp 2026-06-30 10 x 16.50\nB02 exp 2026-09-30 5 x 17.90")
    clinic.receive("LIDO", "L1 exp 2026-12-31 3 x 9.99")
    clinic.receive("NEEDLE", "N1 exp 2028-12-31 100 x 0.07")
    clinic.treat("P-1", "LIDO 3", at=NOW - HOUR)
    return clinic
