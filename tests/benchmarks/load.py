"""Load: sessions a second with one, four and eight clients beside the least that each database takes, and
what reading pages takes while somebody writes."""

import http.client
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from api import checkpoints
from tests.benchmarks import load_clients, load_house, timing
from tests.benchmarks.load_clients import Burst
from tests.benchmarks.load_house import House
from tests.benchmarks.pages import COOKIE
from tests.benchmarks.timing import Figure

ENGINES = ("sqlite", "postgresql")
AT_ONCE = (1, 4, 8)
FLOOR = {"sqlite": "bare sqlite3", "postgresql": "one statement"}
MOST_TIMES = 2.5  # the floor's time, for one client on PostgreSQL
LEAST_SHARE = 0.5  # of the floor's rate, for eight writers on PostgreSQL
MOST_TAIL = 10  # times the median, with every commit on the disk
MOST_SLOWER = 2  # times what a page takes when nobody writes
WORKERS = {"sqlite": 1, "postgresql": 2}
PAGES = ("/", "/stock", "/stock/{sku}")
LOOKS, SESSIONS_MEANWHILE = 4, 8
Counted = Generator[Figure, None, int]
"""Figures and, when they are at an end, how many sessions were answered."""


@dataclass
class Rounds:
    """What some clients did in several bursts."""

    bursts: list[Burst] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Sessions a second, as the median of the bursts."""
        return timing.middle([burst.rate for burst in self.bursts])

    @property
    def spent(self) -> float:
        """The milliseconds that a session takes of its client's processor."""
        return sum(burst.spent for burst in self.bursts) / len(self.took)

    @property
    def took(self) -> list[float]:
        """The milliseconds of every session."""
        return [one for burst in self.bursts for one in burst.took]


def figures(folder: Path, *, lots: int, rounds: int, each: int) -> Iterator[Figure]:
    """Both databases, one after the other; `each` is how many sessions the clients of a burst do together."""
    for engine in ENGINES:
        with load_house.houses(engine, folder, lots=lots) as house:
            if engine == "sqlite":
                checkpoints.keep(house.file)
            answered = yield from _in_process(house, rounds=rounds, each=each)
            if engine == "postgresql":
                yield from _dutiful(house, rounds=rounds, each=each)
            with house.served(workers=WORKERS[engine]):
                answered += yield from _over_http(house, rounds=rounds, each=each)
                answered += yield from _pages(house, rounds=rounds)
            yield from load_house.checked(house, answered=answered)


def _in_process(house: House, *, rounds: int, each: int) -> Counted:
    """Ours and the floor in turn; answers how many sessions of ours were answered."""
    most = max(AT_ONCE)
    with (
        load_clients.clients(load_clients.in_process, house, most) as ours,
        load_clients.clients(load_clients.bare, house, most) as floor,
    ):
        answered = len(ours.burst(most, 6).took)  # until every connection knows its statements
        floor.burst(most, 6)
        for count in AT_ONCE:
            done, least, before = Rounds(), Rounds(), load_house.server_spent(house)
            for _ in range(rounds):
                done.bursts.append(ours.burst(count, each // count))
                least.bursts.append(floor.burst(count, each // count))
            answered += len(done.took)
            yield from _beside(house, count, done, least)
            yield from _processors(house, count, done, least, before)
    return answered


def _beside(house: House, count: int, ours: Rounds, floor: Rounds) -> Iterator[Figure]:
    """Ours beside the floor: for one client how long a session takes, for several how many a second."""
    name, server = f"{house.engine}, {_said(count)} in process, session of 10", house.engine == "postgresql"
    least = FLOOR[house.engine]
    half = floor.rate * LEAST_SHARE if server and count == max(AT_ONCE) else None
    yield Figure(f"{name}: rate, {least}", ours.rate, floor.rate, unit="/s", least=half)
    most = MOST_TIMES if server and count == 1 else None
    yield Figure(f"{name}: median", timing.middle(ours.took), timing.middle(floor.took), goal=most)
    yield Figure(f"{name}: 99 of 100", timing.tail(ours.took), timing.tail(floor.took))
    if count == 1 and not server:
        yield _tail(name, ours)


def _dutiful(house: House, *, rounds: int, each: int) -> Iterator[Figure]:
    """One statement that writes all that our rules ask, beside the one of the goals, which writes less."""
    most = max(AT_ONCE)
    with (
        load_clients.clients(load_clients.dutiful, house, most) as least,
        load_clients.clients(load_clients.bare, house, most) as floor,
    ):
        for clients in (least, floor):
            clients.burst(most, 6)
        for count in (1, most):
            load_house.restock(house)
            kept, bare = Rounds(), Rounds()
            for _ in range(rounds):
                kept.bursts.append(least.burst(count, each // count))
                bare.bursts.append(floor.burst(count, each // count))
            name = f"one statement of all we keep, {_said(count)}"
            yield Figure(f"{name}: rate, {FLOOR[house.engine]}", kept.rate, bare.rate, unit="/s")
            yield Figure(f"{name}: median", timing.middle(kept.took), timing.middle(bare.took))


def _processors(
    house: House, count: int, ours: Rounds, floor: Rounds, before: tuple[float, float]
) -> Iterator[Figure]:
    """What of it the processors were busy with: of one client there is no waiting for others in it."""
    name = f"{house.engine}, {_said(count)} in process, session of 10: processor"
    yield Figure(f"{name}, client", ours.spent, floor.spent)
    if house.engine == "postgresql":
        now = load_house.server_spent(house)
        mine, least = (
            (later - earlier) / len(rounds.took)
            for later, earlier, rounds in zip(now, before, (ours, floor), strict=True)
        )
        yield Figure(f"{name}, server", mine, least)


def _tail(name: str, rounds: Rounds) -> Figure:
    """The tail against the median: no session waits while the log is carried over."""
    took = rounds.took
    return Figure(f"{name}: 99 of 100, and median", timing.tail(took), timing.middle(took), goal=MOST_TAIL)


def _over_http(house: House, *, rounds: int, each: int) -> Counted:
    """Through `vialbook serve`, which carries SQLite's log over behind the requests."""
    with load_clients.clients(load_clients.over_http, house, max(AT_ONCE)) as working:
        answered = len(working.burst(max(AT_ONCE), 3).took)
        for count in AT_ONCE:
            done = Rounds([working.burst(count, each // count) for _ in range(rounds)])
            answered += len(done.took)
            name = f"{house.engine}, {_said(count)} over HTTP, session of 10"
            yield Figure(f"{name}: rate", done.rate, unit="/s")
            yield Figure(f"{name}: median", timing.middle(done.took))
            tail = Figure(f"{name}: 99 of 100", timing.tail(done.took))
            yield _tail(name, done) if count == 1 and house.engine == "sqlite" else tail
    return answered


def _pages(house: House, *, rounds: int) -> Counted:
    """Pages while nobody writes and while somebody records sessions at the pace of a chain, in turn."""
    idle: dict[str, list[float]] = {path: [] for path in PAGES}
    busy: dict[str, list[float]] = {path: [] for path in PAGES}
    look, answered = _reader(house), 0
    for path in PAGES:
        look(path)
    with load_clients.clients(load_clients.unhurried, house, 1) as writer:
        for _ in range(rounds):
            for path in PAGES * LOOKS:
                idle[path].append(look(path))
            writer.tell(1, SESSIONS_MEANWHILE)
            while not writer.pipes[0].poll():
                for path in PAGES:
                    busy[path].append(look(path))
            answered += len(writer.heard(1)[0])
    for path in PAGES:
        name = f"{house.engine}, page {path.format(sku='SKU')} under sessions, and idle"
        yield Figure(
            f"{name}: median", timing.middle(busy[path]), timing.middle(idle[path]), goal=MOST_SLOWER
        )
        yield Figure(f"{name}: 99 of 100", timing.tail(busy[path]), timing.tail(idle[path]))
    return answered


def _reader(house: House) -> Callable[[str], float]:
    """A browser's connection: the milliseconds that a page takes."""
    connection = http.client.HTTPConnection("127.0.0.1", house.port)

    def look(path: str) -> float:
        begun = time.perf_counter()
        connection.request("GET", path.format(sku=house.sku), headers={"Cookie": f"{COOKIE}={house.cookie}"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, (path, answer.status)
        return (time.perf_counter() - begun) * 1000

    return look


def _said(count: int) -> str:
    return "1 client" if count == 1 else f"{count} clients"
