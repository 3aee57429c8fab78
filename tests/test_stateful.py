"""Anything that people may do to a stock, in any order: after every act the books are proven sound.

VIALBOOK_EXAMPLES and VIALBOOK_STEPS make it longer and random; by default it is short and always the same.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from inventory import (
    corrections,
    count_posting,
    counting,
    differences,
    holds,
    periods,
    proof,
    receiving,
    stocktake,
    wastage,
)
from inventory.catalog import Item
from inventory.clinic import CostFormula
from inventory.counting import Found
from inventory.errors import Refusal
from inventory.ledger import Movement, WasteReason
from inventory.lots import Lot
from inventory.receiving import Delivery
from inventory.rooms import Entering, enter, take_back
from inventory.stocktake import Scope
from inventory.treatments import TreatmentSession
from inventory.vials import OpenedVial, PreparedIn
from tests.conftest import rolled_back
from tests.shelf import BY, Clinic, ingredient_line, line

ITEMS = """
    HA      3 mL  single_dose  +0.15  of hyaluron
    HAS     1 mL  single_dose         of hyaluron  syringe
    LIDO   20 mL  multi_dose   28 d   of lidocaine
    LIDO5   5 mL  multi_dose   6 h    of lidocaine
    GEL    30 g   none         90 d   topical
    NEEDLE  1 each none        consumable
"""
SKUS = ("HA", "HAS", "LIDO", "LIDO5", "GEL", "NEEDLE")
FIRST_DAY = datetime(2026, 1, 15, 15, 0, tzinfo=UTC)

any_one = st.integers(0, 40)  # of what there is, counted round
past = st.sampled_from([0, 0, 0, 0, 2, 8, 30, 50, 480])  # hours
shelf_lives = st.lists(st.integers(0, 60), min_size=2 * 6, max_size=2 * 6)  # two lots of each item
rooms = st.sampled_from([PreparedIn.PREPARATION_AREA] * 3 + [PreparedIn.TREATMENT_ROOM])
reasons = st.sampled_from(list(WasteReason))
patients = st.sampled_from(["P-1", "P-2", "P-3"])
wants = st.tuples(
    st.sampled_from([*SKUS, "hyaluron", "lidocaine"]), st.decimals("0.1", "6", places=1) | st.integers(1, 9)
)
visits = st.lists(wants, min_size=1, max_size=3)


class Stock(RuleBasedStateMachine):
    """A clinic of two sites through some weeks; what is refused leaves no trace."""

    def __init__(self, database):
        super().__init__()
        self.transaction = rolled_back(database)
        self.db = self.transaction.__enter__()
        self.now = FIRST_DAY

    def teardown(self):
        self.transaction.__exit__(None, None, None)

    @initialize(formula=st.sampled_from(list(CostFormula)), shared=st.booleans(), lives=shelf_lives)
    def open_the_clinic(self, formula, shared, lives):
        self.clinic = Clinic(self.db, formula, share_opened_vials=shared)
        self.clinic.add_items(ITEMS)
        self.sites = [self.clinic.site, self.clinic.open_site("SOUTH")]
        for number, days in enumerate(lives):
            last = FIRST_DAY.date() + timedelta(days=days)
            self.clinic.receive(SKUS[number % 6], f"L{number} exp {last} 5 x {1 + number}.{number:02}")

    @rule(hours=st.sampled_from([1, 5, 26, 170, 400]))
    def time_passes(self, hours):
        self.now += timedelta(hours=hours)

    @rule(
        sku=st.sampled_from(SKUS), site=any_one, days=st.integers(-3, 60), containers=st.integers(1, 6),
        cost=st.integers(0, 3333), back=past, again=any_one, known=st.booleans(),
    )  # fmt: skip
    def receive(self, sku, site, days, containers, cost, back, again, known):
        item, on = self.clinic.item(sku), self.site(site).day(self.at(back))
        lot = self.one(Lot, again, Lot.item_id == item.id) if known else None
        number = f"{sku}-{self.count(Lot)}" if lot is None else lot.number
        expires_on = on + timedelta(days=days) if lot is None else lot.expires_on
        delivery = Delivery(item, number, expires_on, containers, Decimal(cost) / 100)
        self.act(
            lambda: receiving.receive(
                self.db, delivery, site=self.site(site), received_on=on, recorded_at=self.now, by=BY
            )
        )

    @rule(patient=patients, site=any_one, lines=visits, room=rooms)
    def treat_today(self, patient, site, lines, room):
        self.treat(patient, site, lines, 0, room)

    @rule(patient=patients, site=any_one, lines=visits, back=past, room=rooms)
    def treat(self, patient, site, lines, back, room):
        wanted = [
            (line if what in SKUS else ingredient_line)(what, str(quantity)) for what, quantity in lines
        ]
        self.session(patient, wanted, site, back, room)

    @rule(
        patient=patients, site=any_one, lot=any_one, quantity=st.integers(1, 8), back=past, why=st.booleans()
    )
    def treat_from_a_named_lot(self, patient, site, lot, quantity, back, why):
        named = self.one(Lot, lot)
        if named is not None:
            sku = self.db.get(Item, named.item_id).sku
            wanted = line(sku, str(quantity), lot_id=named.id, reason="it was open already" if why else "")
            self.session(patient, [wanted], site, back, PreparedIn.PREPARATION_AREA)

    @rule(lot=any_one, site=any_one, back=past, room=rooms, patient=patients)
    def open_vial(self, lot, site, back, room, patient):
        chosen = self.one(Lot, lot)
        if chosen is not None:
            whose = patient if room is PreparedIn.TREATMENT_ROOM else None
            self.act(
                lambda: wastage.open_vial(
                    self.db, chosen, prepared_in=room, patient_ref=whose, **self.when(site, back)
                )
            )

    @rule(lot=any_one, site=any_one, back=past, containers=st.integers(1, 3), reason=reasons)
    def write_off(self, lot, site, back, containers, reason):
        chosen = self.one(Lot, lot)
        if chosen is not None:
            content = self.db.get(Item, chosen.item_id).content
            self.act(
                lambda: wastage.write_off(
                    self.db, chosen, quantity_off=content * containers, reason=reason, note="fell",
                    **self.when(site, back),
                )
            )  # fmt: skip

    @precondition(lambda self: self.one(OpenedVial, 0, OpenedVial.closed_at.is_(None)))
    @rule(vial=any_one, site=any_one, back=past, quantity=st.decimals("0.1", "20", places=1))
    def spill(self, vial, site, back, quantity):
        opened = self.one(OpenedVial, vial, OpenedVial.closed_at.is_(None))
        if opened is not None:
            lot = self.db.get(Lot, opened.lot_id)
            self.act(
                lambda: wastage.write_off(
                    self.db, lot, quantity_off=quantity, reason=WasteReason.BROKEN, opened=opened,
                    **self.when(site, back),
                )
            )  # fmt: skip

    @precondition(lambda self: self.one(OpenedVial, 0, OpenedVial.closed_at.is_(None)))
    @rule(vial=any_one, patient=patients, back=past)
    def enter_a_room(self, vial, patient, back):
        opened = self.one(OpenedVial, vial, OpenedVial.closed_at.is_(None))
        entering = Entering(patient, at=self.at(back))
        self.act(lambda: enter(self.db, opened, entering, recorded_at=self.now, by=BY))

    @precondition(lambda self: self.one(OpenedVial, 0, OpenedVial.prepared_in == PreparedIn.TREATMENT_ROOM))
    @rule(vial=any_one)
    def it_never_entered(self, vial):
        opened = self.one(OpenedVial, vial, OpenedVial.prepared_in == PreparedIn.TREATMENT_ROOM)
        self.act(lambda: take_back(self.db, opened, **self.undoing(0)))

    @precondition(lambda self: self.one(OpenedVial, 0, OpenedVial.closed_at.is_(None)))
    @rule(site=any_one)
    def discard_what_is_due(self, site):
        self.act(lambda: wastage.discard_due(self.db, **self.when(site, 0)))

    @rule(lot=any_one, hold=st.sampled_from([holds.quarantine, holds.release, holds.release, holds.recall]))
    def hold_or_release(self, lot, hold):
        chosen = self.one(Lot, lot)
        if chosen is not None:
            self.act(lambda: hold(self.db, chosen, at=self.now, by=BY, reason="temperature"))

    @rule(movement=any_one, back=past)
    def reverse(self, movement, back):
        chosen = self.one(Movement, movement)
        if chosen is not None:
            self.act(lambda: corrections.reverse(self.db, chosen, **self.undoing(back)))

    @precondition(lambda self: self.one(TreatmentSession, 0))
    @rule(session=any_one, back=past)
    def reverse_a_session(self, session, back):
        chosen = self.one(TreatmentSession, session)
        if chosen is not None:
            self.act(lambda: corrections.reverse_session(self.db, chosen, **self.undoing(back)))

    @rule(site=any_one, missing=st.lists(st.integers(-1, 2), min_size=4, max_size=4), hours=st.integers(1, 9))
    def count_and_post(self, site, missing, hours):
        """Count a site; whoever posts it does so some hours later."""
        before = self.now

        def deed():
            sheet = stocktake.begin(self.db, Scope(), site=self.site(site), at=before, by=BY)
            lines = differences.lines(self.db, sheet)
            found = [
                Found(line.id, max(line.book - less * line.content, Decimal(0)), again=again)
                for again in (False, True)
                for line, less in zip(lines, missing * len(lines), strict=False)
                if line.sealed or less >= 0
            ]
            counting.write_down(self.db, sheet, found, at=before, recorded_at=self.now, by=BY)
            how = {"at": self.now, "by": BY, "reason": "weekly"}
            count_posting.post(self.db, sheet, leave_uncounted=True, **how)

        self.now += timedelta(hours=hours)
        self.act(deed)

    @precondition(lambda self: self.now - FIRST_DAY > timedelta(days=30))
    @rule()
    def close_last_month(self):
        last = (self.now.replace(day=1) - timedelta(days=1)).date()
        self.act(lambda: periods.close(self.db, last, at=self.now, by=BY))

    def session(self, patient, lines, site, back, room):
        at = self.at(back)
        self.act(
            lambda: self.clinic.treat(
                patient, *lines, at=at, recorded_at=self.now, site=self.site(site), prepared_in=room
            )
        )

    def act(self, deed: Callable[[], object]) -> None:
        """Do it or be refused; whatever was done, the books are sound and nothing was done by halves."""
        self.now += timedelta(minutes=1)
        try:
            with self.db.begin_nested():
                deed()
        except Refusal:
            return
        finally:
            self.db.expire_all()
        assert proof.verify(self.db) == []

    def one(self, kind, number, *where):
        keys = self.db.scalars(sa.select(kind.id).where(*where).order_by(kind.id)).all()
        return self.db.get(kind, keys[number % len(keys)]) if keys else None

    def count(self, kind):
        return self.db.scalar(sa.select(sa.func.count()).select_from(kind))

    def site(self, number):
        return self.sites[number % 8 == 7]  # now and then the other one

    def at(self, back):
        return self.now - timedelta(hours=back)

    def undoing(self, back):
        return {"at": self.at(back), "recorded_at": self.now, "by": BY, "reason": "wrong line"}

    def when(self, site, back):
        return {"site": self.site(site), "at": self.at(back), "recorded_at": self.now, "by": BY}


def test_whatever_people_do_the_books_stay_sound(shared_database):
    longer = "VIALBOOK_EXAMPLES" in os.environ
    run_state_machine_as_test(
        lambda: Stock(shared_database),
        settings=settings(
            max_examples=int(os.environ.get("VIALBOOK_EXAMPLES", "30")),
            stateful_step_count=int(os.environ.get("VIALBOOK_STEPS", "35")),
            derandomize=not longer,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
