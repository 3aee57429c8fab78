"""Whatever moved before, during and after a count: afterwards there is what was counted, and all is sound."""

from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import clinic as clinics
from inventory import corrections, count_book, count_posting, counting, differences, holds, proof, wastage
from inventory.balances import Balance, WouldHaveBeenNegative
from inventory.clinic import CostFormula
from inventory.count_posting import CountOutdated
from inventory.counting import Found
from inventory.errors import Refusal
from inventory.ledger import Document, Movement, WasteReason
from pricing import accounting, reports
from tests.conftest import rolled_back
from tests.counting import begin
from tests.shelf import BY, NOW, TODAY, Clinic

LOTS = (("HA", "A17"), ("HA", "B02"), ("LIDO", "L1"), ("NEEDLE", "N1"))
deeds = st.lists(
    st.tuples(
        st.sampled_from(["treat", "late", "write off", "receive", "hold", "release", "reverse", "count"]),
        st.integers(0, 3),
        st.integers(0, 12),
    ),
    max_size=14,
)


class Story:
    """A shelf, and what is done to it an hour apart; what is refused did not happen."""

    def __init__(self, db, formula):
        self.db, self.now = db, NOW
        self.clinic = Clinic(db, formula, share_opened_vials=True)
        for key in ("recount_value", "recount_rate"):
            clinics.change_setting(db, key, "0", at=NOW, by=BY)
        self.clinic.add_items("""
            HA      3 mL  single_dose  syringe
            LIDO   20 mL  multi_dose   28 d
            NEEDLE  1 each none        consumable
        """)
        self.clinic.receive("HA", "A17 exp 2026-06-30 6 x 10.01\nB02 exp 2026-09-30 4 x 33.33")
        self.clinic.receive("LIDO", "L1 exp 2026-12-31 3 x 9.99")
        self.clinic.receive("NEEDLE", "N1 exp 2028-12-31 50 x 0.07")
        self.clinic.treat("P-1", "LIDO 3", at=NOW - timedelta(hours=1))
        self.sheet = begin(self.clinic, at=NOW)
        self.there = {}  # by line: when it was counted, and what must be there if that was right

    def act(self, deed, which, number):
        self.now += timedelta(hours=1)
        sku, lot_number = LOTS[which]
        lot = self.clinic.lot(sku, lot_number)
        content = self.clinic.item(sku).content
        how = {"at": self.now, "recorded_at": self.now, "by": BY}
        held = {"at": self.now, "by": BY, "reason": "warm"}
        late = self.now - timedelta(minutes=30, days=1)
        steps = {
            "treat": lambda: self.clinic.treat("P-2", f"{sku} {number + 1}", at=self.now),
            "late": lambda: self.clinic.treat("P-3", f"{sku} {number + 1}", at=late, recorded_at=self.now),
            "write off": lambda: wastage.write_off(
                self.db, lot, quantity_off=content, reason=WasteReason.BROKEN, site=self.clinic.site, **how
            ),
            "receive": lambda: self.clinic.receive(
                sku, f"{lot_number} exp {lot.expires_on} {number + 1} x 12.34", on=TODAY
            ),
            "hold": lambda: holds.quarantine(self.db, lot, **held),
            "release": lambda: holds.release(self.db, lot, **held),
            "reverse": lambda: corrections.reverse(self.db, self.movement(number), reason="wrong", **how),
        }
        before, last = self.held(), self.last_document()
        try:
            with self.db.begin_nested():
                steps[deed]()
        except Refusal:
            return
        finally:
            self.db.expire_all()
        if self.last_document() != last:
            self.follow(before, self.when())

    def follow(self, before, happened):
        """Whoever counted a line sees what happens to it afterwards; what happened before, he has seen."""
        now = self.held()
        for line_id, (counted_at, there) in self.there.items():
            if happened > counted_at:
                self.there[line_id] = counted_at, there + now[line_id] - before[line_id]

    def held(self):
        return count_book.held_now(self.db, count_book.spots(self.db, self.sheet.id).values())

    def last_document(self):
        return self.db.scalar(sa.select(sa.func.max(Document.id)))

    def when(self):
        """When the last act happened; an act that undoes another happened when that one did."""
        undone = sa.orm.aliased(Movement)
        found = self.db.scalar(
            sa.select(Document.at)
            .join(undone, undone.document_id == Document.id)
            .join(Movement, Movement.corrects_id == undone.id)
            .where(Movement.document_id == self.last_document())
            .limit(1)
        )
        return found or self.db.get(Document, self.last_document()).at

    def must_hold(self):
        """What must be there of each lot after posting: what was counted and came since, else the book."""
        held = dict(self.on_hand())
        lots = {spot.line_id: spot.lot_id for spot in count_book.spots(self.db, self.sheet.id).values()}
        now = self.held()
        for line_id, (_, there) in self.there.items():
            held[lots[line_id]] = held.get(lots[line_id], 0) + there - now[line_id]
        return {lot_id: quantity for lot_id, quantity in held.items() if quantity}

    def on_hand(self):
        """What the book has of each lot, wherever it is."""
        rows = self.db.execute(
            sa.select(Balance.lot_id, sa.func.sum(Balance.quantity))
            .group_by(Balance.lot_id)
            .having(sa.func.sum(Balance.quantity) > 0)
        )
        return dict(rows.all())

    def worth(self):
        return sum((self.clinic.value(sku) for sku in ("HA", "LIDO", "NEEDLE")), Decimal(0))

    def movement(self, number):
        keys = self.db.scalars(sa.select(Movement.id).order_by(Movement.id.desc())).all()
        return self.db.get(Movement, keys[number % len(keys)])

    def count(self, which, number):
        """Write down so many containers, or tenths of a vial, of one line."""
        self.now += timedelta(hours=1)
        lines = differences.lines(self.db, self.sheet)
        line = lines[which % len(lines)]
        found = number * line.content if line.sealed else min(Decimal(number), line.content)
        counting.write_down(
            self.db, self.sheet, [Found(line.id, found)], at=self.now, recorded_at=self.now, by=BY
        )
        self.there[line.id] = self.now, found


@settings(max_examples=25, derandomize=True)
@given(formula=st.sampled_from(CostFormula), story=deeds)
def test_after_posting_there_is_what_was_counted_and_what_came_and_went_since(
    shared_database, formula, story
):
    with rolled_back(shared_database) as db:
        clinic = Story(db, formula)
        for which in range(3):
            clinic.count(which, which + 2)
        for deed, which, number in story:
            if deed == "count":
                clinic.count(which, number)
            else:
                clinic.act(deed, which, number)
        clinic.now += timedelta(hours=1)
        before, worth, must_hold = (
            differences.differences(db, clinic.sheet),
            clinic.worth(),
            clinic.must_hold(),
        )

        try:
            with db.begin_nested():
                posted = count_posting.post(
                    db, clinic.sheet, at=clinic.now, by=BY, reason="weekly", leave_uncounted=True
                )
        except CountOutdated:
            assert before.outdated
            posted = None
        except WouldHaveBeenNegative:
            posted = None
        db.expire_all()

        assert proof.verify(db) == []
        if posted is not None:
            assert clinic.on_hand() == must_hold
            assert clinic.worth() == worth + before.gained - before.lost
            day = clinic.now.date()
            balance = accounting.trial_balance(db, since=TODAY, until=day)
            assert sum(account.closing for account in balance) == 0
            assert reports.reconcile(db, on=day).difference == 0
