"""What a refusal says, as the person at the desk reads it: whole sentences, so that somebody reads them here.

Every case is a call that the clinic below must refuse; with each, nothing has changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from api.auth import Role
from seed_data import reference
from tests.bad_input import recorded
from tests.calls import NOW, Clinic, opened
from tests.conftest import NewDatabase

QUOTE = {
    "protocol": "P-00",
    "level": "L5",
    "starts_on": "2026-03-02",
    "sessions": 4,
    "patient_ref": "C-1001",
    "screening": {"allergies": []},
}


@dataclass
class Desk:
    """A clinic to which a few things have happened, and the keys of what they happened to."""

    clinic: Clinic
    keys: dict[str, int] = field(default_factory=dict)

    def receive(self, number: str, sku: str, expires_on: str, containers: int) -> None:
        body = {"sku": sku, "lot_number": number, "expires_on": expires_on, "containers": containers}
        self.keys[number] = self.clinic.made("/receipts", body | {"unit_cost": "31.50"})["lot"]["id"]

    def open(self, name: str, **more: str) -> None:
        self.keys[name] = self.clinic.made("/opened-vials", {"lot": self.keys["L01"]} | more)["id"]

    def quote(self, name: str, allergies: list[str]) -> None:
        body = QUOTE | {"screening": {"allergies": allergies}}
        self.keys[name] = self.clinic.made("/quotes", body)["id"]

    def say(self, value: Any) -> Any:
        """Put keys where their names stand between < and >: numbers in a body, text in a sentence."""
        if isinstance(value, dict):
            return {name: self.say(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self.say(part) for part in value]
        if not isinstance(value, str):
            return value
        if value.strip("<>") in self.keys and value.startswith("<"):
            return self.keys[value.strip("<>")]
        for name, key in self.keys.items():
            value = value.replace(f"<{name}>", str(key))
        return value

    def refusal(self, path: str, body: Any, role: Role = Role.MANAGER) -> tuple[int, str, str]:
        """What the clinic answers to a call that changes nothing."""
        before = recorded(self.clinic)

        answer = self.clinic.post(self.say(path), self.say(body), role=role)

        assert recorded(self.clinic) == before
        return answer.status_code, answer.json["name"], answer.json["detail"]


@pytest.fixture(scope="module")
def desk(new_database: NewDatabase) -> Iterator[Desk]:
    """It is 1 March 2026, ten in the morning."""
    with new_database() as database:
        with database.write.begin() as db:
            reference.load(db, at=NOW)
        with opened(database, stocked=False) as clinic:
            site = {"code": "MAIN", "name": "Main", "country": "US", "region": "North America"}
            clinic.made("/sites", site | {"time_zone": "America/New_York"})
            found = Desk(clinic)
            _on_15_january(found)
            clinic.clock.now = NOW + timedelta(days=45)
            _on_1_march(found)
            yield found


def _on_15_january(desk: Desk) -> None:
    desk.receive("A17", "MP-001", "2026-12-31", 4)
    desk.receive("B02", "MP-001", "2027-12-31", 1)
    desk.receive("R05", "MP-001", "2027-06-30", 3)
    desk.receive("Q08", "MP-001", "2027-06-30", 1)
    desk.receive("X09", "MP-001", "2026-02-28", 2)
    desk.receive("L01", "RX-021", "2027-12-31", 3)
    desk.receive("B50", "RX-013", "2027-12-31", 1)
    desk.clinic.made(f"/lots/{desk.keys['R05']}/recall", {"reason": "notice of the maker"})
    desk.clinic.made(f"/lots/{desk.keys['Q08']}/quarantine", {"reason": "the box was wet"})
    desk.open("old vial")
    desk.quote("quoted", [])
    desk.clinic.made(f"/quotes/{desk.keys['quoted']}/issue", {})


def _on_1_march(desk: Desk) -> None:
    desk.clinic.made("/sessions", {"patient_ref": "C-1001", "lines": [line("MP-001", "2.5")]})
    desk.open("her vial", prepared_in="treatment_room", patient_ref="C-1001")
    desk.open("broken vial")
    desk.clinic.made(f"/opened-vials/{desk.keys['broken vial']}/discard", {"reason": "broken"})
    desk.quote("allergic", ["lidocaine"])


def line(sku: str, quantity: str, **named: Any) -> dict[str, Any]:
    return {"sku": sku, "quantity": quantity} | named


def session(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"patient_ref": "C-2002", "lines": list(lines)} | more


REFUSALS = {
    "short stock": (
        ("/sessions", session(line("MP-001", "20"), line("RX-022", "1"))),
        (409, "NotEnoughStock"),
        "MP-001: 20 mL needed, 12 mL usable on 2026-03-01 (6 mL expired, 9 mL recalled, 3 mL quarantined). "
        "RX-022: 1 mL needed, 0 mL usable on 2026-03-01.",
    ),
    "an expired lot": (
        ("/sessions", session(line("MP-001", "2.5", lot="<X09>", reason="it was on top"))),
        (409, "LotNotUsable"),
        "MP-001: lot X09 expired on 2026-02-28; it cannot be used on 2026-03-01.",
    ),
    "a recalled lot": (
        ("/sessions", session(line("MP-001", "2.5", lot="<R05>"))),
        (409, "LotNotUsable"),
        "MP-001: lot R05 was recalled by its maker; it cannot be used on 2026-03-01.",
    ),
    "a pharmacy bulk package": (
        ("/sessions", session(line("RX-013", "1"))),
        (422, "PharmacyBulk"),
        "RX-013 is a pharmacy bulk package; it cannot be used in a treatment room.",
    ),
    "more than there is since": (
        ("/sessions", session(line("MP-001", "24"), at="2026-02-20T15:00:00+00:00")),
        (409, "NotEnoughStock"),
        "MP-001: 24 mL needed, 18 mL usable on 2026-02-20 "
        "(9 mL recalled, 3 mL quarantined, 3 mL used since).",
    ),
    "before it was received": (
        ("/sessions", session(line("MP-001", "2.5"), at="2026-01-14T15:00:00+00:00")),
        (409, "NotEnoughStock"),
        "MP-001: 2.5 mL needed, 0 mL usable on 2026-01-14 "
        "(18 mL received later, 9 mL recalled, 3 mL quarantined).",
    ),
    "part of a sealed container": (
        ("/write-offs", {"lot": "<A17>", "quantity": "2", "reason": "broken"}),
        (422, "NotWholeContainers"),
        "2 mL is not a whole number of sealed containers: one MP-001 holds 3 mL.",
    ),
    "an allergy": (
        ("/quotes/<allergic>/issue", {}),
        (409, "AllergenBlocks"),
        "Allergy to lidocaine: the session uses Benzocaine/lidocaine/tetracaine cream (compounded). "
        "The quote cannot be issued until a practitioner overrides this with a reason.",
    ),
    "no price": (
        ("/quotes", QUOTE | {"protocol": "P-11", "level": "L7"}),
        (409, "NoPrice"),
        "There is no price: a session must bring 1,981.93 to keep a margin of 20 %, and the band of 250.00 "
        'to 600.00 (article "Mesotherapy Facial, Steps, Benefits, Side Effects, Cost") ends below that. '
        "A manager may override this with a reason.",
    ),
    "no price, at the front desk": (
        ("/quotes", QUOTE | {"protocol": "P-11", "level": "L7"}, Role.FRONT_DESK),
        (409, "NoPrice"),
        "There is no price inside the band that covers the cost; a manager may override this.",
    ),
    "a lapsed quote": (
        ("/quotes/<quoted>/accept", {}),
        (409, "QuoteLapsed"),
        "Quote Q-2026-00001 was valid until 2026-02-14; a manager may accept it with a reason.",
    ),
    "the wrong role": (
        ("/receipts", {}, Role.FRONT_DESK),
        (403, "NotAllowed"),
        "POST /api/v1/receipts is for manager or admin; Front Desk Person is signed in as front desk.",
    ),
}  # fmt: skip
NAMED = {
    "in quarantine": (
        line("MP-001", "2.5", lot="<Q08>"),
        (409, "LotNotUsable"),
        "MP-001: lot Q08 is in quarantine until somebody releases it; it cannot be used on 2026-03-01.",
    ),
    "not enough of it": (
        line("MP-001", "12", lot="<A17>"),
        (409, "NotEnoughStock"),
        "MP-001: 12 mL of lot A17 needed, 9 mL of it usable on 2026-03-01.",
    ),
    "another is due and no reason was given": (
        line("MP-001", "2.5", lot="<B02>"),
        (409, "NotFirstToExpire"),
        "MP-001: lot A17 expires first; taking another needs a reason.",
    ),
    "another product's": (
        line("MP-001", "2.5", lot="<L01>"),
        (409, "LotNotUsable"),
        "MP-001: lot L01 is another product's.",
    ),
    "no such lot": (
        line("MP-001", "2.5", lot=999_999),
        (404, "UnknownLot"),
        "No lot has the key 999999.",
    ),
    "no such vial": (
        line("RX-021", "1", opened_vial=999_999),
        (404, "UnknownVial"),
        "No opened vial has the key 999999.",
    ),
    "past its discard time": (
        line("RX-021", "1", opened_vial="<old vial>"),
        (409, "LotNotUsable"),
        "RX-021: opened vial <old vial> of lot L01 was to be discarded by 2026-02-12 10:00; "
        "it cannot be used on 2026-03-01.",
    ),
    "opened for another patient": (
        line("RX-021", "1", opened_vial="<her vial>"),
        (409, "LotNotUsable"),
        "RX-021: opened vial <her vial> of lot L01 was opened for another patient; "
        "it cannot be used on 2026-03-01.",
    ),
    "broken": (
        line("RX-021", "1", opened_vial="<broken vial>"),
        (409, "VialClosed"),
        "RX-021: opened vial <broken vial> of lot L01 is used up or was discarded.",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_a_sentence_that_says_what_is_wrong_and_what_there_is(desk, case):
    call, (status, name), sentence = REFUSALS[case]

    assert desk.refusal(*call) == (status, name, sentence)


@pytest.mark.parametrize("case", NAMED)
def test_a_lot_or_vial_that_was_named_is_refused_for_what_is_wrong_with_it(desk, case):
    wanted, (status, name), sentence = NAMED[case]

    assert desk.refusal("/sessions", session(wanted)) == (status, name, desk.say(sentence))
