"""Contests for the last vials: for every call that takes stock away, how many of many can have their way."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.faults.caller import Answer, Caller, Deed
from tests.faults.stockroom import YEAR, deliver, new_item, today

BECAUSE = {"reason": "recorded by mistake"}


@dataclass(frozen=True)
class Contest:
    """What some people ask for at once, and how much of it there is."""

    deeds: list[Deed]
    prizes: int
    won: Callable[[Answer], int] = lambda _answer: 1  # how many prizes an answer says that it took


Prepare = Callable[[Caller, Random, int], Contest]


def session(sku: str, quantity: str = "2", ref: str = "", **more: Any) -> Deed:
    line = {"sku": sku, "quantity": quantity} | more
    return Deed("/sessions", {"patient_ref": ref or patient(), "site": "MAIN", "lines": [line]})


def patient() -> str:
    return f"R-{uuid.uuid4().hex[:12]}"


def load(lot: int, quantity: str = "3") -> dict[str, Any]:
    return {"lot": lot, "quantity": quantity}


def sessions(caller: Caller, chance: Random, many: int) -> Contest:
    """Some single-dose vials, each of a lot of its own."""
    sku, vials = new_item(caller), chance.randint(1, 4)
    for number in range(vials):
        deliver(caller, sku, 1, lot=f"A{number}")
    return Contest([session(sku) for _ in range(many)], vials)


def draws(caller: Caller, chance: Random, many: int) -> Contest:
    """The last opened vial of 20 mL, 6 mL for each session of the patient whose it is."""
    sku, ref = new_item(caller, "multi_dose"), patient()
    caller.made("/opened-vials", {"lot": deliver(caller, sku, 1), "patient_ref": ref})
    return Contest([session(sku, "6", ref) for _ in range(many)], 3)


def draws_of_one_vial(caller: Caller, chance: Random, many: int) -> Contest:
    """The same, of the vial by its name, with sealed ones beside it."""
    sku, ref = new_item(caller, "multi_dose"), patient()
    vial = caller.made("/opened-vials", {"lot": deliver(caller, sku, 3), "patient_ref": ref})["id"]
    return Contest([session(sku, "6", ref, opened_vial=vial) for _ in range(many)], 3)


def write_offs(caller: Caller, chance: Random, many: int) -> Contest:
    """Containers of one lot, thrown away one by one."""
    left = chance.randint(1, 4)
    lot = deliver(caller, new_item(caller), left)
    return Contest([Deed("/write-offs", load(lot) | {"reason": "broken"}) for _ in range(many)], left)


def write_offs_of_a_vial(caller: Caller, chance: Random, many: int) -> Contest:
    """What is in an opened vial, thrown away by quarters."""
    lot = deliver(caller, new_item(caller, "multi_dose"), 1)
    vial = caller.made("/opened-vials", {"lot": lot})["id"]
    body = load(lot, "5") | {"reason": "contaminated", "opened_vial": vial}
    return Contest([Deed("/write-offs", body) for _ in range(many)], 4)


def openings(caller: Caller, chance: Random, many: int) -> Contest:
    """Sealed containers, each opened by somebody."""
    left = chance.randint(1, 4)
    lot = deliver(caller, new_item(caller, "multi_dose"), left)
    return Contest([Deed("/opened-vials", {"lot": lot}) for _ in range(many)], left)


def discards(caller: Caller, chance: Random, many: int) -> Contest:
    """One opened vial, thrown away by everybody."""
    lot = deliver(caller, new_item(caller, "multi_dose"), 1)
    vial = caller.made("/opened-vials", {"lot": lot})["id"]
    return Contest([Deed(f"/opened-vials/{vial}/discard", {}) for _ in range(many)], 1)


def evenings(caller: Caller, chance: Random, many: int) -> Contest:
    """Vials past their time, which everybody's evening call throws away."""
    due, long_ago = chance.randint(1, 3), datetime.now(UTC) - timedelta(days=60)
    lot = deliver(caller, new_item(caller, "multi_dose"), due)
    for _ in range(due):
        caller.made("/opened-vials", {"lot": lot, "at": long_ago.isoformat()})
    deeds = [Deed("/opened-vials/discard-due", {"site": "MAIN"}) for _ in range(many)]
    return Contest(deeds, due, won=lambda answer: len(answer.json["items"]))


def counts(caller: Caller, chance: Random, many: int) -> Contest:
    """A count that found less, posted by everybody."""
    sku = new_item(caller)
    deliver(caller, sku, 3)
    count = caller.made("/counts", {"skus": [sku], "site": "MAIN"})
    for again in (False, True):  # a difference of this size is counted twice
        line = {"line": count["lines"][0]["id"], "containers": 1, "again": again}
        answer = caller.ask("PUT", f"/counts/{count['id']}/lines", {"lines": [line]})
        assert answer.status == 200, answer
    body = {"reason": "weekly count", "digest": answer.json["digest"]}
    return Contest([Deed(f"/counts/{count['id']}/post", body) for _ in range(many)], 1)


def moves(caller: Caller, chance: Random, many: int) -> Contest:
    """Containers on one shelf, taken to another one by one."""
    left = chance.randint(1, 4)
    line = load(deliver(caller, new_item(caller), left)) | {"place": "SHELF"}
    return Contest([Deed("/moves", {"to": "CUP-1", "lines": [line]}) for _ in range(many)], left)


def transfers(caller: Caller, chance: Random, many: int) -> Contest:
    """Containers sent to another site one by one."""
    left = chance.randint(1, 4)
    body = {"target": "SECOND", "lines": [load(deliver(caller, new_item(caller), left))]}
    return Contest([Deed("/transfers", body) for _ in range(many)], left)


def arrivals(caller: Caller, chance: Random, many: int) -> Contest:
    """A transfer that half of them receive and half of them take back."""
    lot = deliver(caller, new_item(caller), 2)
    sent = caller.made("/transfers", {"target": "SECOND", "lines": [load(lot, "6")]})
    came = {"lines": [{"lot": lot, "received": "6"}]}
    ends = [("receive", came), ("cancel", BECAUSE)]
    return Contest(
        [Deed(f"/transfers/{sent['id']}/{ends[n % 2][0]}", ends[n % 2][1]) for n in range(many)], 1
    )


def reversals(caller: Caller, chance: Random, many: int) -> Contest:
    """A receipt that was a mistake, undone by its movement and by its document."""
    lot = deliver(caller, new_item(caller), 2)
    (movement,) = caller.get(f"/movements?lot={lot}")["items"]
    paths = [f"/movements/{movement['id']}/reverse", f"/documents/{movement['document']}/reverse"]
    return Contest([Deed(paths[n % 2], BECAUSE) for n in range(many)], 1)


def sessions_undone(caller: Caller, chance: Random, many: int) -> Contest:
    """A session that was a mistake, undone by everybody."""
    sku = new_item(caller)
    deliver(caller, sku, 1)
    done = caller.do(session(sku)).json
    return Contest([Deed(f"/sessions/{done['id']}/reverse", BECAUSE) for _ in range(many)], 1)


def write_offs_undone(caller: Caller, chance: Random, many: int) -> Contest:
    """A write-off that was a mistake, put back by everybody."""
    lot = deliver(caller, new_item(caller), 1)
    gone = caller.made("/write-offs", load(lot) | {"reason": "lost"})
    return Contest([Deed(f"/documents/{gone['id']}/reverse", BECAUSE) for _ in range(many)], 1)


def lists_undone(caller: Caller, chance: Random, many: int) -> Contest:
    """An imported list of opening stock, undone by everybody."""
    sku = new_item(caller)
    head = "sku,lot_number,expires_on,containers,unit_cost"
    row = f"{sku},L{chance.randrange(10**9)},{today() + YEAR},2,9.00"
    answer = caller.ask(
        "POST", "/imports/opening-stock", f"{head}\n{row}\n".encode(), **{"Content-Type": "text/csv"}
    )
    assert answer.done, answer
    return Contest([Deed(f"/imports/{answer.json['id']}/undo", BECAUSE) for _ in range(many)], 1)


def everything(caller: Caller, chance: Random, many: int) -> Contest:
    """The last containers of one lot, which go by sessions, write-offs and transfers at once."""
    sku, left = new_item(caller), chance.randint(1, 6)
    lot = deliver(caller, sku, left)
    made = [
        lambda: session(sku),
        lambda: Deed("/write-offs", load(lot) | {"reason": "broken"}),
        lambda: Deed("/transfers", {"target": "SECOND", "lines": [load(lot)]}),
    ]
    return Contest([made[n % 3]() for n in range(many)], left)


def two_each(caller: Caller, chance: Random, many: int) -> Contest:
    """Sessions that need two items, named in either order: nobody may wait for the other for ever."""
    one, two, left = new_item(caller), new_item(caller), chance.randint(1, 4)
    for sku in (one, two):
        deliver(caller, sku, left)
    deeds = []
    for number in range(many):
        skus = (one, two) if number % 2 else (two, one)
        lines = [{"sku": sku, "quantity": "2"} for sku in skus]
        deeds.append(Deed("/sessions", {"patient_ref": patient(), "site": "MAIN", "lines": lines}))
    return Contest(deeds, left)


def recalls(caller: Caller, chance: Random, many: int) -> Contest:
    """A lot that is recalled, by everybody, in one row with sessions that want it: one recall counts."""
    sku = new_item(caller)
    lot = deliver(caller, sku, 1)
    ends = [lambda: session(sku), lambda: Deed(f"/lots/{lot}/recall", BECAUSE)]
    deeds = [ends[n % 2]() for n in range(many)]
    return Contest(deeds, 1, won=lambda answer: int("sessions" in answer.json))


def courses(caller: Caller, chance: Random, many: int) -> Contest:
    """One planned session of a course, performed by everybody."""
    ref = patient()
    asked = {
        "protocol": "P-00", "level": "L5", "site": "MAIN", "starts_on": str(today()), "sessions": 4,
        "patient_ref": ref, "screening": {"allergies": []},
    }  # fmt: skip
    quote = caller.made("/quotes", asked)
    for sku in {line["sku"] for one in costed(caller) for line in one["lines"] if line["sku"]}:
        # For little money: what is on the shelf makes the price of the next quote, and the band has an end.
        deliver(caller, sku, 5, lot=f"C{uuid.uuid4().hex[:8]}", cost="1.00")
    caller.made(f"/quotes/{quote['id']}/issue", {})
    accepted = caller.made(f"/quotes/{quote['id']}/accept", {})
    body = {"course": accepted["course"], "session_number": 1, "patient_ref": ref, "site": "MAIN"}
    return Contest([Deed("/sessions", body) for _ in range(many)], 1)


def costed(caller: Caller) -> list[dict[str, Any]]:
    """The sessions of the protocol with what they use."""
    asked = {"protocol": "P-00", "level": "L5", "site": "MAIN", "on": str(today()), "sessions": 4}
    found: list[dict[str, Any]] = caller.made("/costings", asked)["sessions"]
    return found


CONTESTS: dict[str, Prepare] = {
    made.__name__.replace("_", " "): made
    for made in (
        sessions, draws, draws_of_one_vial, write_offs, write_offs_of_a_vial, openings, discards, evenings,
        counts, moves, transfers, arrivals, reversals, sessions_undone, write_offs_undone, lists_undone,
        everything, two_each, recalls, courses,
    )
}  # fmt: skip
