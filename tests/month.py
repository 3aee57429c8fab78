"""A small month in the clinic's books, January 2026, with one of everything that can happen to stock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic as settings
from inventory import corrections, layers, ledger, wastage
from inventory.clinic import CostFormula, PlaceKind
from inventory.layers import Want
from inventory.ledger import Act, DocumentKind, Move, Movement, WasteReason
from pricing.accounting import Account
from seed_data import read, rows
from tests.shelf import BY, Clinic

BEFORE = date(2025, 12, 20)
FIRST, LAST = date(2026, 1, 1), date(2026, 1, 31)
WRITTEN_AT = datetime(2026, 2, 2, 9, 0, tzinfo=ZoneInfo("UTC"))


@dataclass
class Month:
    """A clinic whose acts name only a day; each happens at ten in the morning."""

    clinic: Clinic

    @property
    def db(self) -> Session:
        return self.clinic.db

    def at(self, day: date, hour: int = 10) -> datetime:
        return datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo("America/New_York"))

    def treat(self, day: date, patient_ref: str, *wanted: str, formulation: str = "F-01 version 1") -> int:
        """A session on a day; answers its document."""
        treated = self.clinic.treat(
            patient_ref, *wanted, at=self.at(day), formulation=formulation, level="L2"
        )
        return treated.session.document_id

    def write_off(
        self, day: date, sku: str, lot: str, quantity: str, reason: WasteReason, note: str = ""
    ) -> None:
        wastage.write_off(
            self.db,
            self.clinic.lot(sku, lot),
            quantity_off=Decimal(quantity),
            reason=reason,
            site=self.clinic.site,
            note=note,
            **self._moment(day),
        )

    def discard_opened(self, day: date, sku: str) -> None:
        """Throw away what is left in the one opened container of an item."""
        [opened] = self.clinic.opened(sku)
        wastage.discard(self.db, opened, site=self.clinic.site, **self._moment(day, hour=18))

    def reverse(self, day: date, document_id: int, reason: str = "wrong patient") -> None:
        """Undo every movement of a document, a container at a time."""
        while (movement := self.db.scalar(self._not_undone(document_id))) is not None:
            corrections.reverse(self.db, movement, reason=reason, **self._moment(day, hour=17))

    def count(self, day: date, sku: str, lot: str, difference: str) -> None:
        """Post a count difference: above zero was found, below zero was missing."""
        self._across(day, sku, lot, Decimal(difference), PlaceKind.COUNT)

    def send_back(self, day: date, sku: str, lot: str, quantity: str) -> None:
        """Return stock to its supplier."""
        self._across(day, sku, lot, -Decimal(quantity), PlaceKind.SUPPLIER)

    def _moment(self, day: date, hour: int = 10) -> dict[str, datetime | str]:
        at = self.at(day, hour)
        return {"at": at, "recorded_at": at, "by": BY}

    def _across(self, day: date, sku: str, lot: str, change: Decimal, beyond: PlaceKind) -> None:
        facts = self.clinic.lot_facts(sku, lot)
        formula = settings.settings(self.db).cost_formula
        act = Act(self.clinic.site.id, day, self.at(day), self.at(day), BY)
        document_id = ledger.open_document(self.db, DocumentKind.WRITE_OFF, act)
        shelf, outside = self.clinic.place(PlaceKind.SHELF), self.clinic.place(beyond)
        want = Want(facts.item_id, facts.id, abs(change))
        moves: Sequence[Move]
        if change > 0:
            value = abs(change)  # found at 1.00 a unit
            [layer] = layers.add(self.db, formula, [(want, value)], received_on=day)
            moves = [Move(facts, outside, shelf, change, direction=1, value=value, layer_id=layer)]
        else:
            [shares] = layers.take(self.db, formula, [want])
            moves = [
                Move(
                    facts, shelf, outside, one.quantity, direction=-1, value=one.value, layer_id=one.layer_id
                )
                for one in shares
            ]
        held = frozenset(settings.held_places(self.db))
        ledger.post(self.db, document_id, day, moves, held=held)
        self.db.flush()

    def _not_undone(self, document_id: int) -> sa.Select[tuple[Movement]]:
        undone = sa.select(Movement.corrects_id).where(Movement.corrects_id.isnot(None))
        mine = sa.select(Movement).where(Movement.document_id == document_id, Movement.id.notin_(undone))
        return mine.order_by(Movement.id.desc()).limit(1)


def opened_clinic(db: Session, *, formula: CostFormula = CostFormula.SPECIFIC) -> Month:
    """The clinic with its chart of accounts, its items, and stock of before the month."""
    db.add_all(Account(**rows.account(row)) for row in read("chart_of_accounts"))
    here = Clinic(db, formula=formula, share_opened_vials=True)
    here.add_items("""
        HA       3 mL   single_dose  +0.15
        LIDO    20 mL   multi_dose   28 d
        NEEDLE   1 each none  consumable
        CREAM   30 g    none  topical
        SERUM   50 mL   none  retail
    """)
    here.receive("HA", "A17  exp 2026-03-31  10 x 16.50", on=BEFORE)
    here.receive("LIDO", "L01  exp 2026-12-31  3 x 3.20", on=BEFORE)
    return Month(here)


def small_month(db: Session, *, formula: CostFormula = CostFormula.SPECIFIC) -> Month:
    """One of everything:

    deliveries of all four kinds, sessions from sealed and opened containers, one session undone, waste for
    three reasons, a count up and a count down, and a return.
    """
    month = opened_clinic(db, formula=formula)
    receive = month.clinic.receive
    receive("HA", "B02  exp 2026-09-30  5 x 17.90", on=date(2026, 1, 5))
    receive("NEEDLE", "0012  exp 2028-12-31  100 x 0.22", on=date(2026, 1, 5))
    receive("CREAM", "C1  exp 2027-06-30  2 x 9.99", on=date(2026, 1, 5))
    receive("SERUM", "S1  exp 2027-06-30  4 x 21.00", on=date(2026, 1, 6))
    month.treat(date(2026, 1, 8), "P-1", "HA 2.5", "LIDO 3", "NEEDLE 10", "CREAM 4")
    mistaken = month.treat(date(2026, 1, 9), "P-2", "HA 5", "NEEDLE 10")
    month.reverse(date(2026, 1, 9), mistaken)
    month.treat(date(2026, 1, 12), "P-3", "HA 5", "LIDO 5", "NEEDLE 10")
    month.write_off(date(2026, 1, 15), "NEEDLE", "0012", "5", WasteReason.BROKEN)
    month.write_off(date(2026, 1, 15), "HA", "A17", "3", WasteReason.EXPIRED)
    month.write_off(date(2026, 1, 16), "SERUM", "S1", "50", WasteReason.OTHER, note="=sample for the window")
    month.discard_opened(date(2026, 1, 20), "LIDO")
    month.count(date(2026, 1, 22), "NEEDLE", "0012", "3")
    month.count(date(2026, 1, 22), "HA", "B02", "-3")
    month.send_back(date(2026, 1, 23), "SERUM", "S1", "100")
    return month
