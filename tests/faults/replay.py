"""Replay: the same request in sequence, at once, after a restart or a kill, has one effect and one answer."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, Timer

from tests.faults.caller import Answer, Caller, Deed, Unanswered
from tests.faults.house import House, houses
from tests.faults.stockroom import Shop, deliver, new_item, open_shop
from tests.faults.tally import Tally
from tests.faults.writing import deeds_of, effects

TIMES = 20
ROUNDS = 3  # of twenty at once, for each kind of deed


def replay(engine: str, *, rounds: int = ROUNDS, kills: int = 12, workers: int = 2) -> Tally:
    """Every kind of deed, repeated in every way."""
    tally = Tally()
    with houses(engine, workers=workers) as house:
        house.start()
        shop = open_shop(house.caller())
        answered = in_sequence(house, shop, tally)
        for number in range(rounds):
            answered |= at_once(house, shop, tally, number)
        with_another_body(house, shop, tally)
        refused_then_stocked(house, tally)
        house.stop()
        house.start()
        again(house, answered, tally, "after a restart")
        for number in range(kills):
            while_killed(house, shop, tally, number)
        again(house, answered, tally, "after the kills")
        tally.wrong += house.breaches()
    return tally


def in_sequence(house: House, shop: Shop, tally: Tally) -> dict[str, tuple[Deed, Answer]]:
    """Twenty times, one after another."""
    caller, answered = house.caller(), {}
    for kind, make in deeds_of(shop).items():
        deed = make(f"Q1-{kind.replace(' ', '.')}")
        answers = [caller.do(deed) for _ in range(TIMES)]
        alike(house, deed, answers, tally, "in sequence")
        if [one.headers.get("Idempotency-Replayed") for one in answers] != [None] + ["true"] * (TIMES - 1):
            tally.wrong.append(f"{kind}: which answers are repeated is not said")
        answered[deed.mark] = (deed, answers[0])
    caller.close()
    return answered


def at_once(house: House, shop: Shop, tally: Tally, number: int) -> dict[str, tuple[Deed, Answer]]:
    """Twenty clients of one person at once."""
    answered = {}
    with ThreadPoolExecutor(TIMES) as pool:
        for kind, make in deeds_of(shop).items():
            deed, start = make(f"P{number}-{kind.replace(' ', '.')}"), Barrier(TIMES)

            def ask(_: int, deed: Deed = deed, start: Barrier = start) -> Answer:
                caller = house.caller()
                start.wait()
                answer = caller.do(deed)
                caller.close()
                return answer

            answers = list(pool.map(ask, range(TIMES)))
            alike(house, deed, answers, tally, "at once")
            answered[deed.mark] = (deed, answers[0])
    return answered


def alike(house: House, deed: Deed, answers: list[Answer], tally: Tally, how: str) -> None:
    """All answers are the first one, and there is one effect."""
    tally.counts[f"requests {how}"] += len(answers)
    if {(one.status, one.body) for one in answers} != {(201, answers[0].body)}:
        tally.wrong.append(f"{deed.kind} {how}: {sorted({one.name for one in answers})}")
    with house.book() as database, database.read() as db:
        there = effects(db, [deed])[deed.mark]
    if there != 1:
        tally.wrong.append(f"{deed.kind} {how}: {there} effects")


def with_another_body(house: House, shop: Shop, tally: Tally) -> None:
    """A key that was used for something else is refused, and has no second effect."""
    caller = house.caller()
    for kind, make in deeds_of(shop).items():
        first = make(f"B1-{kind.replace(' ', '.')}")
        other = make(f"B2-{kind.replace(' ', '.')}")
        other.key = first.key
        caller.do(first)
        answer = caller.do(other)
        tally.counts["other bodies refused"] += answer.name == "KeyReused"
        with house.book() as database, database.read() as db:
            if answer.status != 422 or effects(db, [other])[other.mark]:
                tally.wrong.append(f"{kind} with another body: {answer.status} {answer.name}")
    caller.close()


def refused_then_stocked(house: House, tally: Tally) -> None:
    """A refusal is not kept: when the stock has come, the same request succeeds, once."""
    caller = house.caller()
    sku = new_item(caller)
    line = {"sku": sku, "quantity": "2"}
    body = {"patient_ref": "Q-9001", "site": "MAIN", "lines": [line]}
    deed = Deed("/sessions", body, mark="Q-9001", kind="session")
    first = caller.do(deed)
    deliver(caller, sku, 5)
    later = [caller.do(deed) for _ in range(TIMES)]
    tally.counts["refused, then stocked"] += 1
    if first.status != 409:
        tally.wrong.append(f"without stock: {first.status} {first.name}")
    alike(house, deed, later, tally, "after a refusal")
    caller.close()


def again(house: House, answered: dict[str, tuple[Deed, Answer]], tally: Tally, how: str) -> None:
    """What was answered long ago is answered the same."""
    caller = house.caller()
    for deed, first in answered.values():
        repeated = caller.do(deed)
        tally.counts[f"repeated {how}"] += 1
        if (repeated.status, repeated.body) != (first.status, first.body):
            tally.wrong.append(f"{deed.kind} {how}: {repeated.status} {repeated.body[:200]!r}")
    caller.close()


def while_killed(house: House, shop: Shop, tally: Tally, number: int) -> None:
    """The server is killed while a request is under way; the client asks again until it is answered."""
    kinds = deeds_of(shop)
    kind = [*kinds][number % len(kinds)]
    deed = kinds[kind](f"K{number}-{kind.replace(' ', '.')}")
    caller = house.caller()
    warm(caller)
    # Some of the kills come before the work, some within it, some after the answer.
    timer = Timer(0.002 * (number % 12), house.kill)
    timer.start()
    with suppress(Unanswered):
        caller.once(deed)
        tally.counts["answered before the kill"] += 1
    timer.join()
    house.start()
    answers = [house_answer(house, deed) for _ in range(3)]
    alike(house, deed, answers, tally, "after a kill")
    tally.counts["kills"] += 1


def warm(caller: Caller) -> None:
    """Have the connection made and the application read, so that the kill meets the work itself."""
    for _ in range(3):
        caller.get("/items?limit=1")


def house_answer(house: House, deed: Deed) -> Answer:
    caller: Caller = house.caller()
    answer = caller.do(deed)
    caller.close()
    return answer
