"""Fail-over: the primary of three servers is lost under writers, another leads, and nothing answered is lost.

The program is never told: it finds by itself who leads. What was answered is looked for after the lost
machine has come back and follows, for that is when a cluster that keeps two truths drops one of them.
"""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.faults.caller import Deed
from tests.faults.cluster import Cluster, Node, cluster
from tests.faults.crash import judge, last_look, retry
from tests.faults.house import House, closing, furnish
from tests.faults.stockroom import open_shop
from tests.faults.tally import Tally
from tests.faults.writing import Work

WARM, AFTER = 2.0, 3.0  # seconds of work before a fault, and after another leads
FROZEN = 30.0  # seconds: longer than it takes to be replaced
LONGEST = 90.0  # seconds without one answer, after which the program has not recovered
CATCHES_UP = 30.0  # seconds in which a standby has what the primary has, once nobody writes
WRITERS = 6


def kill(_lab: Cluster, leader: Node) -> None:
    """The machine loses its power."""
    leader.kill()


def switch(_lab: Cluster, leader: Node) -> None:
    """Somebody has another lead, for the day on which the machine is mended."""
    leader.ask("switchover", {"leader": leader.name})


def freeze(_lab: Cluster, leader: Node) -> None:
    """The machine stands still long enough to be replaced, and wakes believing that it leads."""
    leader.signal(signal.SIGSTOP)
    time.sleep(FROZEN)
    leader.signal(signal.SIGCONT)


def crash(_lab: Cluster, leader: Node) -> None:
    """PostgreSQL alone dies; its Patroni lives."""
    leader.crash()


FAULTS: dict[str, Callable[[Cluster, Node], None]] = {
    "kill": kill, "switch": switch, "freeze": freeze, "crash": crash,
}  # fmt: skip


def failover(*, rounds: int, faults: Sequence[str] = tuple(FAULTS), seed: int = 1) -> Tally:
    """Each of the faults so many times, one after another. Raises NoPatroni."""
    chance, tally = Random(seed), Tally()
    everything: list[Deed] = []
    with cluster() as lab, clinic(lab) as house:
        house.start()
        shop = open_shop(house.caller(), 20_000)
        for number, name in enumerate([*faults] * rounds):
            work = Work(house, shop, WRITERS, seed * 10_000 + number)
            work.begin()
            time.sleep(WARM)
            if number == 0:
                read_aside(lab, house, tally)
            leader = lab.leader()
            begun, before = time.monotonic(), answered(work)
            FAULTS[name](lab, leader)
            while answered(work) <= before + WRITERS:
                if time.monotonic() > begun + LONGEST:
                    tally.wrong.append(f"{name}: nothing was answered within {LONGEST:.0f} s")
                    break
                time.sleep(0.05)
            tally.slowest(f"recovery after {name}", time.monotonic() - begun)
            time.sleep(AFTER)
            work.end()
            tally.wrong += work.wrong
            tally.counts["put off"] += work.put_off
            tally.slowest("healing", lab.heal())
            everything += work.deeds
            judge(house, work.deeds, tally)
            retry(house, work.deeds, tally, chance)
            tally.counts[name] += 1
        last_look(house, everything, tally)
        agree(lab, house, tally)
    return tally


def read_aside(lab: Cluster, house: House, tally: Tally) -> None:
    """Reports come from a standby while others write to the primary: each whole, and of one moment."""
    today = datetime.now(UTC).date()
    month = ["--from", today.replace(day=1).isoformat(), "--to", today.isoformat()]
    workbook = str(house.home / "books.xlsx")
    for words in (["verify"], ["export", "accounting", workbook, *month]):
        told = house.run(*words, surroundings=beside(lab, house))
        if told.returncode:
            tally.wrong.append(f"on a standby `{words[0]}` said: {told.stdout[-500:]} {told.stderr[-500:]}")
        tally.counts["reports from a standby"] += 1


def agree(lab: Cluster, house: House, tally: Tally) -> None:
    """When nobody writes any more a standby's trail ends where the primary's does."""
    primary, until = house.run("anchor").stdout, time.monotonic() + CATCHES_UP
    while (standby := house.run("anchor", surroundings=beside(lab, house)).stdout) != primary:
        if time.monotonic() > until:
            tally.wrong.append(f"the standby's trail ends at {standby!r}, the primary's at {primary!r}")
            return


def beside(lab: Cluster, house: House) -> dict[str, str]:
    """The environment of a command that only reads."""
    return house.surroundings | {"VIALBOOK_DATABASE_URL": lab.standby_url}


def answered(work: Work) -> int:
    """How many deeds were done so far."""
    return sum(1 for deed in list(work.deeds) if deed.answer is not None and deed.answer.done)


@contextmanager
def clinic(lab: Cluster) -> Iterator[House]:
    """A house whose book is in the cluster."""
    with TemporaryDirectory(prefix="vialbook-house-") as folder:
        tokens = furnish(lab.url, Path(folder))
        with closing(House(Path(folder), lab.url, tokens, workers=2)) as house:
            yield house
