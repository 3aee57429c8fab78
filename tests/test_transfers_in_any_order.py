"""Transfers in any order: whatever two sites do, the books stay sound; undone, everything is back."""

from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import corrections, holds, lots, moving, places, transfers
from inventory.clinic import CostFormula, PlaceKind, Temperature
from inventory.errors import Refusal
from inventory.ledger import Document, DocumentKind, Movement, WasteReason
from inventory.moving import Load
from inventory.proof import verify
from inventory.transfers import Arrival, Transfer, TransferLine
from tests.shelf import BY, NOW, Clinic

HELD_LATER = timedelta(hours=1)
SMALL = st.integers(0, 3)
ACTS = st.one_of(
    st.tuples(st.just("send"), SMALL, st.integers(1, 3), SMALL),
    st.tuples(st.just("receive"), SMALL, st.integers(0, 3), SMALL),
    st.tuples(st.just("cancel"), SMALL, SMALL, SMALL),
    st.tuples(st.just("move"), SMALL, st.integers(1, 3), SMALL),
    st.tuples(st.just("treat"), SMALL, st.integers(1, 5), SMALL),
    st.tuples(st.just("hold"), SMALL, SMALL, SMALL),
    st.tuples(st.just("undo"), st.integers(0, 60), SMALL, SMALL),
)
UNDONE_AT_WILL = (DocumentKind.TRANSFER, DocumentKind.MOVE, DocumentKind.SESSION)


class Two:
    """Two sites of two shelves each, with two lots at both."""

    def __init__(self, db, formula):
        self.db, self.at = db, NOW
        self.clinic = Clinic(db, formula=formula)
        self.clinic.add_items("HA 3 mL single_dose")
        self.sites = [self.clinic.site, self.clinic.open_site("SECOND")]
        for site in self.sites:
            places.add(db, site, code="BOX", name="Box", temperature=Temperature.ANY)
            self.clinic.receive("HA", "A17 exp 2026-06-30 4 x 16.50\nB02 exp 2026-03-31 3 x 17.91", site=site)
        self.lots = [self.clinic.lot("HA", number) for number in ("A17", "B02")]
        self.acts = {
            name: getattr(self, name)
            for name in ("send", "receive", "cancel", "move", "treat", "hold", "undo", "reverse")
        }

    def when(self):
        self.at += HELD_LATER
        return {"at": self.at, "recorded_at": self.at, "by": BY}

    def load(self, which, containers):
        return [Load(self.lots[which % 2], Decimal(3 * containers))]

    def send(self, which, containers, where):
        source, target = self.sites if where % 2 else self.sites[::-1]
        transfers.send(self.db, self.load(which, containers), source=source, target=target, **self.when())

    def pick(self, which):
        found = self.db.scalars(sa.select(Transfer).order_by(Transfer.id)).all()
        return found[which % len(found)] if found else None

    def receive(self, which, containers, lost):
        if subject := self.pick(which):
            line = self.db.scalars(
                sa.select(TransferLine).where(TransferLine.transfer_id == subject.id)
            ).first()
            missing = Decimal(3 * (lost % 2))
            reason = WasteReason.BROKEN if missing else None
            place = "BOX" if lost > 1 else ""
            arrival = Arrival(lots.lot(self.db, line.lot_id), Decimal(3 * containers), missing, reason, place)
            transfers.receive(self.db, subject, [arrival], **self.when())

    def cancel(self, which, *_):
        if subject := self.pick(which):
            transfers.cancel(self.db, subject, **self.when())

    def move(self, which, containers, where):
        site = self.sites[where % 2]
        to = places.place(self.db, site, "BOX" if where > 1 else "SHELF")
        moving.move(self.db, self.load(which, containers), to=to, site=site, **self.when())

    def treat(self, which, dose, where):
        self.at += HELD_LATER
        self.clinic.treat(f"P-{which}", f"HA {dose}", at=self.at, site=self.sites[where % 2])

    def hold(self, which, *_):
        self.at += HELD_LATER
        lot = self.lots[which % 2]
        act = holds.quarantine if lot.usable(self.clinic.site.day(self.at)) else holds.release
        act(self.db, lot, at=self.at, by=BY, reason="any")

    def undo(self, which, *_):
        found = self.undoable()
        if found:
            self.reverse(found[which % len(found)])

    def undoable(self):
        undone = sa.select(Movement.corrects_id).where(Movement.corrects_id.isnot(None))
        return self.db.scalars(
            sa.select(Movement)
            .join(Document, Document.id == Movement.document_id)
            .where(Document.kind.in_(UNDONE_AT_WILL), Movement.id.notin_(undone))
            .order_by(Movement.id.desc())
        ).all()

    def reverse(self, movement):
        corrections.reverse(self.db, movement, reason="by mistake", **self.when())

    def does(self, act, *words):
        """Do it, or have it refused without a trace."""
        try:
            with self.db.begin_nested():
                self.acts[act](*words)
        except Refusal:
            self.db.expire_all()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, min_size=4, max_size=14), formula=st.sampled_from(CostFormula))
def test_whatever_two_sites_do_the_books_stay_sound_and_undone_it_is_all_back(db, acts, formula):
    with db.begin_nested() as point:
        two = Two(db, formula)
        worth, held = two.clinic.value("HA"), sum(two.clinic.held("HA").values())
        for act in acts:
            two.does(*act)
        assert verify(db) == []

        # What is held is released and what was done is undone, the last first; what was held on the way
        # and released where it arrived stays there, and no value is made or lost by it.
        for which, lot in enumerate(two.lots):
            if not lot.usable(two.clinic.site.day(two.at)):
                two.hold(which)
        for movement in two.undoable():
            two.does("reverse", movement)

        assert verify(db) == []
        assert two.clinic.value("HA") == worth
        everywhere = (PlaceKind.SHELF, PlaceKind.QUARANTINE, PlaceKind.TRANSIT)
        assert sum(sum(two.clinic.held("HA", kind).values()) for kind in everywhere) == held
        point.rollback()
    db.expire_all()
