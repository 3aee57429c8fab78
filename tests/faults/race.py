"""Races for the last vials, over every call that takes stock away: as many win as there are prizes."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

from tests.faults.caller import Answer, Caller
from tests.faults.contests import CONTESTS, Contest, Prepare
from tests.faults.house import House, houses
from tests.faults.stockroom import open_shop
from tests.faults.tally import Tally

AT_ONCE = 12
REFUSED = (404, 409, 422)


def race(
    engine: str, *, attempts: int, workers: int = 3, seed: int = 1, names: Sequence[str] = tuple(CONTESTS)
) -> Tally:
    """Hold each contest in turn until so many attempts were made; the first round is one after another."""
    chance, tally = Random(seed), Tally()
    with houses(engine, workers=workers) as house, ThreadPoolExecutor(AT_ONCE) as pool:
        house.start()
        callers = [house.caller(number) for number in range(AT_ONCE)]
        open_shop(callers[0], 10)
        first_round = True
        while first_round or tally.counts["attempts"] < attempts:
            for name in names:
                if first_round or tally.counts["attempts"] < attempts:
                    hold(name, CONTESTS[name], callers, chance, tally, pool if not first_round else None)
            first_round = False
            tally.wrong += house.breaches()
        tally.counts["answers to come again"] = sum(caller.busy for caller in callers)
        tally.wrong += left_standing(house)
        for caller in callers:
            caller.close()
    return tally


def hold(
    name: str,
    prepare: Prepare,
    callers: list[Caller],
    chance: Random,
    tally: Tally,
    pool: ThreadPoolExecutor | None,
) -> None:
    """One contest: everybody at once, or one after another; counts who won and who was refused."""
    contest = prepare(callers[0], chance, len(callers))
    answers = [one.do(deed) for one, deed in zip(callers, contest.deeds, strict=True)] if pool is None else []
    if pool is not None:
        start = threading.Barrier(len(callers))

        def attempt(number: int) -> Answer:
            start.wait()
            begun = time.monotonic()
            answer = callers[number].do(contest.deeds[number])
            tally.slowest("answer", time.monotonic() - begun)
            return answer

        answers = list(pool.map(attempt, range(len(callers))))
    judge(name, contest, answers, tally)


def judge(name: str, contest: Contest, answers: list[Answer], tally: Tally) -> None:
    """As many prizes were taken as there were, and everybody else was told why not."""
    won = sum(contest.won(answer) for answer in answers if answer.done)
    tally.counts["attempts"] += len(answers)
    tally.counts["contests"] += 1
    tally.counts["won"] += won
    tally.counts["refused"] += sum(answer.status in REFUSED for answer in answers)
    if won != contest.prizes:
        tally.wrong.append(
            f"{name}: {won} won where there were {contest.prizes}: {[one.name for one in answers]}"
        )
    tally.wrong += [
        f"{name}: {answer.status} {answer.body[:300]!r}"
        for answer in answers
        if not answer.done and answer.status not in REFUSED
    ]


def left_standing(house: House) -> list[str]:
    """Transactions that still wait or still hold something, when everybody has gone home."""
    if house.url.startswith("sqlite"):
        return []
    import sqlalchemy as sa

    asked = (
        "SELECT state, left(query, 80) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE '%transaction%'"
    )
    with house.book() as database, database.read() as db:
        return [f"left standing: {tuple(row)}" for row in db.execute(sa.text(asked))]
