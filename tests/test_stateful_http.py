"""Over HTTP, in any order: what the calls answer is what a model of a page says, that knows none of our code.

VIALBOOK_EXAMPLES and VIALBOOK_STEPS make it longer and random; by default it is short and always the same.
"""

import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from inventory import proof
from tests.calls import NOW, opened

SKU, CONTENT = "HA-3", 3  # single-dose vials of 3 mL: one serves a dose of up to 2.9
any_one = st.integers(0, 30)


@dataclass
class Box:
    """The model: what is left of one lot. A whole vial goes from the first to expire of those that may go."""

    number: str
    expires: date
    left: int
    held: bool = False


@dataclass
class Shelf:
    """The model of a shelf."""

    boxes: list[Box] = field(default_factory=list)

    def usable(self, today: date) -> list[Box]:
        fit = [box for box in self.boxes if box.left and not box.held and box.expires >= today]
        return sorted(fit, key=lambda box: box.expires)

    def take(self, vials: int, today: date) -> list[str] | None:
        """The lots that so many vials come from, each as often as it gives one; none if it is too little."""
        if sum(box.left for box in self.usable(today)) < vials:
            return None
        taken = []
        for _ in range(vials):
            first = self.usable(today)[0]
            first.left -= 1
            taken.append(first.number)
        return taken


class OverHttp(RuleBasedStateMachine):
    """A clinic reached over HTTP, and the model beside it."""

    def __init__(self, new_database):
        super().__init__()
        self.places = [new_database()]
        self.places.append(opened(self.places[0].__enter__()))
        self.here = self.places[1].__enter__()
        self.here.clock.now = NOW
        self.shelf, self.keys, self.ids, self.sent = Shelf(), 0, {}, []

    def teardown(self):
        with self.here.database.read() as db:
            assert proof.verify(db) == []
        for place in reversed(self.places):
            place.__exit__(None, None, None)

    @property
    def today(self) -> date:
        return self.here.clock.now.date()  # at 15:00 UTC it is the same day in New York

    def post(self, path, body):
        self.keys += 1
        asked = (path, body, {"Idempotency-Key": f"key-{self.keys}"})
        answer = self.here.post(asked[0], asked[1], headers=asked[2])
        if answer.status_code < 300:
            self.sent.append((asked, answer.status_code, answer.data))
        return answer

    @rule(days=st.integers(-2, 40), vials=st.integers(1, 4))
    def receive(self, days, vials):
        box = Box(f"L{len(self.shelf.boxes)}", self.today + timedelta(days=days), vials)
        # Two lots of one day would leave open which is first.
        if any(one.expires == box.expires for one in self.shelf.boxes):
            return
        sent = {"sku": SKU, "lot_number": box.number, "expires_on": str(box.expires), "containers": vials}
        answer = self.post("/receipts", sent | {"unit_cost": "16.50", "supplier": "SUP-01"})
        assert answer.status_code == 201, answer.text
        self.ids[box.number] = answer.json["lot"]["id"]
        box.held = answer.json["lot"]["state"] != "released"  # what came expired is held back
        assert box.held == (box.expires < self.today)
        self.shelf.boxes.append(box)

    @rule(vials=st.integers(1, 3))
    def treat(self, vials):
        dose = str(Decimal("2.5") + CONTENT * (vials - 1))
        answer = self.post("/sessions", {"patient_ref": "P-1", "lines": [{"sku": SKU, "quantity": dose}]})
        taken = self.shelf.take(vials, self.today)
        assert (answer.status_code == 201) == (taken is not None), answer.text
        if taken is not None:
            drawn: Counter[int] = Counter()
            for use in answer.json["uses"]:
                drawn[use["lot"]] += Decimal(use["quantity"]) + Decimal(use["discarded"])
            assert drawn == Counter({self.ids[name]: taken.count(name) * CONTENT for name in taken})

    @precondition(lambda self: self.shelf.boxes)
    @rule(which=any_one, back=st.booleans())
    def hold_or_release(self, which, back):
        box = self.shelf.boxes[which % len(self.shelf.boxes)]
        verb = "release" if back else "quarantine"
        answer = self.post(f"/lots/{self.ids[box.number]}/{verb}", {"reason": "cold chain"})
        if answer.status_code == 200:
            box.held = not back
        else:
            assert answer.status_code == 409, answer.text

    @precondition(lambda self: self.shelf.boxes)
    @rule(which=any_one, vials=st.integers(1, 3))
    def write_off(self, which, vials):
        box = self.shelf.boxes[which % len(self.shelf.boxes)]
        body = {"lot": self.ids[box.number], "quantity": str(vials * CONTENT), "reason": "broken"}
        answer = self.post("/write-offs", body)
        assert (answer.status_code == 201) == (vials <= box.left), answer.text
        box.left -= vials if answer.status_code == 201 else 0

    @precondition(lambda self: self.sent)
    @rule(which=any_one)
    def send_again(self, which):
        (path, body, key), status, data = self.sent[which % len(self.sent)]
        again = self.here.post(path, body, headers=key)
        assert (again.status_code, again.data) == (status, data)
        other = self.here.post(path, body | {"reason": "another"}, headers=key)
        assert other.status_code == 422

    @rule(days=st.integers(1, 9))
    def days_go_by(self, days):
        self.here.clock.now += timedelta(days=days)

    @invariant()
    def what_is_told_is_what_the_model_says(self):
        found = self.here.seen(f"/stock?sku={SKU}")["items"]
        told = found[0] if found else {"on_hand": "0", "usable": "0"}
        assert Decimal(told["on_hand"]) == CONTENT * sum(box.left for box in self.shelf.boxes)
        assert Decimal(told["usable"]) == CONTENT * sum(box.left for box in self.shelf.usable(self.today))


def test_the_calls_answer_what_a_model_of_a_page_says(new_database):
    examples, steps = os.environ.get("VIALBOOK_EXAMPLES"), os.environ.get("VIALBOOK_STEPS")
    run_state_machine_as_test(
        lambda: OverHttp(new_database),
        settings=settings(
            max_examples=int(examples or 8),
            stateful_step_count=int(steps or 15),
            derandomize=examples is None,
            phases=[Phase.generate],  # a shorter story costs more than it tells
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
