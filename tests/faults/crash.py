"""Crash: the server is killed at random moments under writers; nothing is lost and nothing is double."""

import random
import time
from contextlib import suppress

from tests.faults.caller import Deed
from tests.faults.exporting import Readers, stock_up
from tests.faults.house import House, houses
from tests.faults.stockroom import open_shop
from tests.faults.tally import Tally
from tests.faults.writing import Work, effects, keys_kept, settle

LONGEST = 1.5  # seconds under load before a kill
LONGEST_END = 30  # seconds
REPLAYED = 5  # answered deeds of each round that are asked for again


def crash(
    engine: str,
    *,
    kills: int,
    seed: int = 1,
    workers: int = 2,
    writers: int = 6,
    within: float = LONGEST,
    gently: bool = False,
    rows: int = 5_000,
) -> Tally:
    """Kill and restart so many times; the book and the answers are judged after each.

    Gently: the server is asked to end (SIGTERM), and has to, soon and with the status 0; large files are
    fetched meanwhile, none of which may come cut short.
    """
    chance, tally = random.Random(seed), Tally()
    with houses(engine, workers=workers) as house:
        house.start()
        shop = open_shop(house.caller(), 100 * max(kills, 10))
        everything: list[Deed] = []
        if gently:
            stock_up(house, rows)
        for number in range(kills):
            work = Work(house, shop, writers, seed * 10_000 + number)
            work.begin()
            readers = Readers(house, 2, tally)
            if gently:
                readers.begin()
            # Half of the kills fall soon, when every connection and cache is still being made.
            time.sleep(chance.uniform(0.02, within if number % 2 else within / 4))
            if gently:
                end(house, readers, tally)
            else:
                house.kill()
            work.end()
            everything += work.deeds
            tally.wrong += work.wrong
            judge(house, work.deeds, tally)
            tally.slowest("restart", house.start())
            retry(house, work.deeds, tally, chance)
            tally.counts["kills"] += 1
        last_look(house, everything, tally)
    return tally


def end(house: House, readers: Readers, tally: Tally) -> None:
    """Ask the server to end; nothing that it needed for a moment may be left."""
    begun = readers.told_to_end = time.monotonic()
    status = house.stop()
    tally.slowest("end", time.monotonic() - begun)
    readers.end()
    if status or time.monotonic() > begun + LONGEST_END:
        tally.wrong.append(f"asked to end, the server ended late, or with the status {status}")
    if left := [path.name for path in house.scratch.iterdir()]:
        tally.wrong.append(f"the server left {left}")


def judge(house: House, deeds: list[Deed], tally: Tally) -> None:
    """With nobody at work: what was answered is there, what was not is there wholly or not at all."""
    tally.wrong += house.breaches()
    with house.book() as database, database.read() as db:
        found, kept = effects(db, deeds), keys_kept(db, deeds)
    for deed in deeds:
        there = found[deed.mark]
        if deed.answer is not None and deed.answer.done:
            tally.counts["answered"] += 1
            if there != 1 or deed.key not in kept:
                tally.wrong.append(f"{deed.kind} {deed.mark} was answered and is there {there} times")
        elif deed.answer is None:
            tally.counts["unanswered"] += 1
            tally.counts["unanswered and there"] += there
            if there > 1 or (deed.key in kept) != bool(there):
                tally.wrong.append(f"{deed.kind} {deed.mark} without an answer is there {there} times")


def retry(house: House, deeds: list[Deed], tally: Tally, chance: random.Random) -> None:
    """Ask again for what had no answer, and for some of what had one; each ends with exactly one effect."""
    caller = house.caller()
    answered = [deed for deed in deeds if deed.answer is not None and deed.answer.done]
    for deed in chance.sample(answered, min(REPLAYED, len(answered))):
        first = deed.answer
        assert first is not None
        # The key is one person's: it is asked for by whoever asked first.
        again = house.caller(writer_of(deed)).once(deed)
        if (again.status, again.body) != (first.status, first.body):
            tally.wrong.append(f"{deed.kind} {deed.mark} is answered otherwise the second time")
        tally.counts["replayed"] += 1
    open_deeds = [deed for deed in deeds if deed.answer is None]
    for deed in open_deeds:
        settle(house.caller(writer_of(deed)), deed)
        assert deed.answer is not None
        tally.counts["retried"] += 1
        if not deed.answer.done:
            tally.wrong.append(f"{deed.kind} {deed.mark} retried: {deed.answer.status} {deed.answer.body!r}")
    caller.close()
    with house.book() as database, database.read() as db:
        found = effects(db, open_deeds)
    tally.wrong += [
        f"{deed.kind} {deed.mark} retried is there {found[deed.mark]} times"
        for deed in open_deeds
        if found[deed.mark] != 1
    ]


def writer_of(deed: Deed) -> int:
    """Which writer's deed it is, by its mark."""
    return int(deed.mark.split("-")[1])


def last_look(house: House, deeds: list[Deed], tally: Tally) -> None:
    """At the end everything that was ever answered is there once; the command finds the book sound."""
    with house.book() as database, database.read() as db:
        found = effects(db, deeds)
    tally.wrong += [
        f"{deed.kind} {deed.mark} is there {found[deed.mark]} times in the end"
        for deed in deeds
        if deed.answer is not None and found[deed.mark] != int(deed.answer.done)
    ]
    with suppress(AssertionError):
        house.stop()
    verified = house.run("verify")
    if verified.returncode:
        tally.wrong.append(f"vialbook verify: {verified.stdout} {verified.stderr}")
