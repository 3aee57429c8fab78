"""The recall drill: a thousand sessions at three sites, one lot taken back, and every answer right (S10).

The model beside it knows nothing of the program: shelves are rows of boxes, the one that expires first is
taken, what is sent is on the way until it is received, and what is undone goes back to where it came from.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from inventory import corrections, holds, tracing, transfers
from inventory.clinic import PlaceKind
from inventory.moving import Load
from inventory.proof import verify
from inventory.transfers import Arrival
from tests.shelf import BY, NOW, Clinic

SESSIONS = 1_000
SITES = ("MAIN", "SOUTH", "EAST")
LOTS = {f"HA-{number}": date(2026, 6, 1) + timedelta(days=40 * number) for number in range(6)}
WHEN = {"at": NOW, "recorded_at": NOW, "by": BY}
DOSE = Decimal("2.1")  # 2 mL and what is lost in needle and syringe


@dataclass
class Model:
    """Vials by site and lot, those on the way, and who was given which."""

    shelves: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    on_the_way: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))  # to, lot
    given: dict[int, tuple[str, str, str]] = field(default_factory=dict)  # session: patient, site, lot
    undone: set[int] = field(default_factory=set)

    def first(self, site: str) -> str:
        """The lot of a site that expires first."""
        return min((lot for lot, vials in self.shelves[site].items() if vials), key=LOTS.__getitem__)

    def received(self, lot: str, *, undone: bool = False) -> list[int]:
        """The sessions that received a lot, without those that were undone, or those alone."""
        return [key for key, one in self.given.items() if one[2] == lot and (key in self.undone) is undone]


class Drill:
    """The clinic and its model, through the same days."""

    def __init__(self, db):
        self.db, self.chance, self.model = db, Random(7), Model()
        self.clinic = Clinic(db)
        self.clinic.add_items("HA 3 mL single_dose +0.15")
        self.sites = {"MAIN": self.clinic.site} | {code: self.clinic.open_site(code) for code in SITES[1:]}
        for lot, expires_on in LOTS.items():
            for site in SITES:
                picture = f"{lot} exp {expires_on} 75 x 16.50"
                self.clinic.receive("HA", picture, site=self.sites[site])
                self.model.shelves[site][lot] += 75

    def treat(self):
        site = self.chance.choice(SITES)
        patient, lot = f"P-{self.chance.randrange(150)}", self.model.first(site)
        done = self.clinic.treat(patient, "HA 2", site=self.sites[site])
        self.model.shelves[site][lot] -= 1
        self.model.given[done.session.id] = (patient, site, lot)
        return done.session

    def undo(self, session):
        corrections.reverse_session(self.db, session, **WHEN, reason="the wrong chart")
        _, site, lot = self.model.given[session.id]
        self.model.undone.add(session.id)
        self.model.shelves[site][lot] += 1

    def send(self):
        source, target = self.chance.sample(SITES, 2)
        lot = self.chance.choice([lot for lot, vials in self.model.shelves[source].items() if vials >= 4])
        sent = transfers.send(
            self.db, [Load(self.clinic.lot("HA", lot), Decimal(12))],
            source=self.sites[source], target=self.sites[target], **WHEN,
        )  # fmt: skip
        self.model.shelves[source][lot] -= 4
        self.model.on_the_way[target, lot] += 4
        return sent, target, lot

    def receive(self, sent, target, lot):
        """Three of the four arrive; the last one is still on the way."""
        transfers.receive(self.db, sent, [Arrival(self.clinic.lot("HA", lot), Decimal(9))], **WHEN)
        self.model.on_the_way[target, lot] -= 3
        self.model.shelves[target][lot] += 3

    def run(self):
        for number in range(SESSIONS):
            session = self.treat()
            if number % 9 == 0:
                self.undo(session)
            if number % 25 == 0:
                sent = self.send()
                if number % 50 == 0:
                    self.receive(*sent)


def test_every_answer_after_a_recall_is_right(db):
    drill = Drill(db)
    drill.run()
    model, clinic = drill.model, drill.clinic
    number = max(LOTS, key=lambda lot: len(model.received(lot)) * bool(model.received(lot, undone=True)))
    lot = clinic.lot("HA", number)
    before = dict(model.on_the_way)

    holds.recall(db, lot, at=NOW, by=BY, reason="maker's letter")
    trace = tracing.trace(db, lot, with_reversed=True)

    # Who received it, session by session, and who did not after all.
    assert len(model.given) == SESSIONS
    assert len(model.received(number)) > 100
    assert {one.session_id for one in trace.sessions if not one.reversed} == set(model.received(number))
    assert {one.session_id for one in trace.sessions if one.reversed} == set(
        model.received(number, undone=True)
    )
    assert all(
        (one.patient_ref, one.site, number, one.quantity) == (*model.given[one.session_id], DOSE)
        for one in trace.sessions
    )
    assert set(trace.patients) == {model.given[key][0] for key in model.received(number)}
    # What is left is in quarantine, at the site that has it or to which it was on its way.
    left = {site: 3 * (model.shelves[site][number] + before.get((site, number), 0)) for site in SITES}
    assert {one.site: one.quantity for one in trace.held} == {
        site: much for site, much in left.items() if much
    }
    assert {one.kind for one in trace.held} == {PlaceKind.QUARANTINE}
    assert [(one.containers, one.site) for one in trace.receipts] == [(75, site) for site in SITES]
    # From every session and every patient back to the lots.
    for patient in {one[0] for one in model.given.values()}:
        mine = {key: one[2] for key, one in model.given.items() if one[0] == patient}
        found = tracing.of_patient(db, patient, with_reversed=True, limit=None)
        assert {one.session_id: one.lot_number for one in found} == mine
        assert {one.session_id for one in found if one.reversed} == model.undone & set(mine)
        kept = tracing.of_patient(db, patient, limit=None)
        assert [one for one in found if not one.reversed] == list(kept)
    assert verify(db) == []

    # Nothing of it is used any more, at any site.
    for site in SITES:
        model.shelves[site][number] = 0
    for _ in range(30):
        drill.treat()
    assert tracing.trace(db, lot, with_reversed=True).sessions == trace.sessions
