"""Count, move, send, treat, throw away, hold, recall and reverse in any order: the books stay sound, and
reversing everything leaves every place, layer and vial with nothing at all (S8).

VIALBOOK_EXAMPLES and VIALBOOK_STEPS make it longer and random; by default it is short and always the same.
"""

import os
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from inventory import (
    corrections,
    count_posting,
    counting,
    differences,
    holds,
    moving,
    places,
    proof,
    stocktake,
    transfers,
)
from inventory.balances import Balance
from inventory.catalog import Item
from inventory.clinic import CostFormula, Temperature
from inventory.counting import Found
from inventory.errors import Refusal
from inventory.layers import CostLayer
from inventory.ledger import Document, DocumentKind, Movement, WasteReason
from inventory.lots import Lot, LotState
from inventory.moving import Load
from inventory.stocktake import Scope
from inventory.transfers import Arrival, Transfer, TransferLine
from inventory.vials import OpenedVial
from tests.shelf import BY, Clinic
from tests.test_stateful import ITEMS, SKUS, Stock, any_one

FINAL = (DocumentKind.REVERSAL, DocumentKind.HOLD)  # what is not itself reversed


class Stockroom(Stock):
    """The clinic of the other machine with a second shelf, transfers and counts; in the end all is undone."""

    @initialize(formula=st.sampled_from(list(CostFormula)), lives=st.lists(st.integers(20, 90), min_size=6))
    def open_the_clinic(self, formula, lives):
        self.clinic = Clinic(self.db, formula, share_opened_vials=True)
        self.clinic.add_items(ITEMS)
        self.sites = [self.clinic.site, self.clinic.open_site("SOUTH")]
        places.add(self.db, self.clinic.site, code="FRIDGE", name="Fridge", temperature=Temperature.ANY)
        for number, days in enumerate(lives[:6]):
            last = self.now.date() + timedelta(days=days)
            self.clinic.receive(SKUS[number], f"L{number} exp {last} 8 x {1 + number}.{number:02}")

    @rule(lot=any_one, containers=st.integers(1, 4), to_fridge=st.booleans())
    def move(self, lot, containers, to_fridge):
        chosen = self.one(Lot, lot)
        to = places.place(self.db, self.clinic.site, "FRIDGE" if to_fridge else "SHELF")
        load = Load(chosen, self.db.get(Item, chosen.item_id).content * containers)
        self.act(lambda: moving.move(self.db, [load], to=to, **self.when(0, 0)))

    @rule(lot=any_one, containers=st.integers(1, 4), home=st.booleans())
    def send(self, lot, containers, home):
        chosen, (source, target) = self.one(Lot, lot), self.sites[:: -1 if home else 1]
        load = Load(chosen, self.db.get(Item, chosen.item_id).content * containers)
        when = {"at": self.now, "recorded_at": self.now, "by": BY}
        self.act(lambda: transfers.send(self.db, [load], source=source, target=target, **when))

    @precondition(lambda self: self.one(Transfer, 0))
    @rule(transfer=any_one, containers=st.integers(1, 3), lost=st.booleans())
    def arrive(self, transfer, containers, lost):
        sent = self.one(Transfer, transfer)
        line = self.db.scalars(sa.select(TransferLine).where(TransferLine.transfer_id == sent.id)).one()
        lot, content = self.db.get(Lot, line.lot_id), self.db.get(Item, line.item_id).content
        missing = content if lost else Decimal(0)
        arrival = Arrival(lot, content * containers, missing, WasteReason.BROKEN if lost else None)
        when = {"at": self.now, "recorded_at": self.now, "by": BY}
        self.act(lambda: transfers.receive(self.db, sent, [arrival], **when))

    @rule(site=st.sampled_from([0, 0, 7]), changes=st.lists(st.integers(-2, 2), min_size=4, max_size=4))
    def take_stock(self, site, changes):
        def deed():
            when = {"at": self.now, "by": BY}
            sheet = stocktake.begin(self.db, Scope(), site=self.site(site), **when)
            for again in (False, True):
                found = [
                    Found(line.id, max(Decimal(0), line.book + change * line.content), again=again)
                    for line, change in zip(differences.lines(self.db, sheet), changes * 20, strict=False)
                ]
                counting.write_down(self.db, sheet, found, recorded_at=self.now, **when)
            count_posting.post(self.db, sheet, reason="weekly count", leave_uncounted=True, **when)

        self.act(deed)

    @precondition(lambda self: self.one(Document, 0, Document.kind == DocumentKind.COUNT))
    @rule(document=any_one)
    def reverse_a_count(self, document):
        chosen = self.one(Document, document, Document.kind == DocumentKind.COUNT)
        self.act(lambda: corrections.reverse_document(self.db, chosen, **self.undoing(0)))

    def teardown(self):
        try:
            if hasattr(self, "clinic"):
                self.undo_everything()
        finally:
            super().teardown()

    def undo_everything(self):
        """Hold every lot back, so that all is in one place of each site, and undo what was done."""
        self.now += timedelta(days=2)
        for lot in self.db.scalars(sa.select(Lot).where(Lot.state == LotState.RELEASED).order_by(Lot.id)):
            self.act(lambda lot=lot: holds.quarantine(self.db, lot, at=self.now, by=BY, reason="the end"))
        left = self.standing()
        while left:
            for key in left:
                self.undo(key)
            before, left = left, self.standing()
            if left == before:
                break
        assert self.still_held() == ([], [], []), self.standing()
        assert proof.verify(self.db) == []

    def standing(self):
        """What was done and not undone: first what left the clinic, then what moved in it, then what came."""
        undone = sa.select(Movement.corrects_id).where(Movement.corrects_id.is_not(None))
        return list(
            self.db.scalars(
                sa.select(Movement.id)
                .join(Document, Document.id == Movement.document_id)
                .where(Document.kind.not_in(FINAL), Movement.id.not_in(undone))
                .order_by(Movement.direction, Movement.id.desc())
            )
        )

    def undo(self, key):
        """Undo a movement if it can be undone now; what comes later may have to be undone first."""
        try:
            with self.db.begin_nested():
                corrections.reverse(self.db, self.db.get(Movement, key), **self.undoing(0))
        except Refusal:
            self.db.expire_all()

    def still_held(self):
        """Places that hold something, layers with quantity or value, vials that are not empty."""
        held = sa.select(Balance.lot_id, Balance.place_id, Balance.quantity).where(Balance.quantity != 0)
        worth = sa.select(CostLayer.id, CostLayer.quantity_left, CostLayer.value_left).where(
            sa.or_(CostLayer.quantity_left != 0, CostLayer.value_left != 0)
        )
        opened = sa.select(OpenedVial.id, OpenedVial.remaining).where(OpenedVial.remaining != 0)
        return tuple(self.db.execute(query).all() for query in (held, worth, opened))


def test_whatever_is_done_in_the_stockroom_undoing_all_of_it_leaves_nothing(shared_database):
    longer = "VIALBOOK_EXAMPLES" in os.environ
    run_state_machine_as_test(
        lambda: Stockroom(shared_database),
        settings=settings(
            max_examples=int(os.environ.get("VIALBOOK_EXAMPLES", "5")),
            phases=[Phase.generate],
            stateful_step_count=int(os.environ.get("VIALBOOK_STEPS", "18")),
            derandomize=not longer,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
