"""Soak: mixed work on two cores for a long time; no error, no growth of memory, and p99 is stated."""

import random
import statistics
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.caller import Caller
from tests.faults.house import House, houses
from tests.faults.stockroom import Shop, open_shop, today
from tests.faults.tally import Tally
from tests.faults.writing import deeds_of

CLIENTS, PAUSE_SECONDS = 6, 0.25  # each asks four times a second when it is answered at once
MIX = ("read",) * 70 + ("quote",) * 15 + ("write",) * 12 + ("report",) * 3
WRITES = ("session", "vials session", "receipt", "write-off", "move", "transfer")
MOST_GROWTH = 1.05  # of the memory, from the end of the first third to the end
NOISE_KB = 8_192


@dataclass
class Heard:
    """What the clients heard: milliseconds by kind, and what was wrong."""

    took: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in set(MIX)})
    wrong: list[str] = field(default_factory=list)


def soak(engine: str, *, minutes: float, seed: int = 1) -> Tally:
    """Work for so long, and look at the memory of the server every second."""
    tally, heard, stop = Tally(), Heard(), threading.Event()
    unlimited = {"VIALBOOK_CALLS_PER_MINUTE": "100000"}
    with houses(engine, workers=1, variables=unlimited) as house:
        house.start()
        shop = open_shop(house.caller(), 100_000)
        clients = [
            threading.Thread(target=_work, args=(house, shop, number, seed, heard, stop))
            for number in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        sizes = _watched(house, minutes * 60)
        stop.set()
        for client in clients:
            client.join()
        tally.wrong += [*heard.wrong, *house.breaches()]
    for kind, took in sorted(heard.took.items()):
        tally.counts[f"{kind}s"] = len(took)
        if len(took) > 1:
            tally.counts[f"ms p50 of {kind}s"] = round(statistics.median(took))
            tally.counts[f"ms p99 of {kind}s"] = round(sorted(took)[int(len(took) * 0.99)])
    _judge(sizes, tally)
    return tally


def _watched(house: House, seconds: float) -> list[int]:
    """The memory that the server holds for itself in KB, once a second.

    The pages of a book that SQLite maps are the machine's, which counts them again for every connection.
    """
    assert house.process is not None
    status = Path(f"/proc/{house.process.pid}/status")
    sizes, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(1)
        line = next(line for line in status.read_text().splitlines() if line.startswith("RssAnon"))
        sizes.append(int(line.split()[1]))
    return sizes


def _judge(sizes: list[int], tally: Tally) -> None:
    """The memory of the last tenth against that after a third, when every page was asked for once."""
    tenth = max(len(sizes) // 10, 1)
    before = statistics.median(sizes[len(sizes) // 3 :][:tenth])
    after = statistics.median(sizes[-tenth:])
    tally.counts["KB of memory"] = round(after)
    tally.counts["KB grown"] = round(after - before)
    # In a short run the caches still fill: what is judged is a run of minutes.
    if len(sizes) > 300 and after > before * MOST_GROWTH + NOISE_KB:
        tally.wrong.append(f"the memory grew from {before:.0f} to {after:.0f} KB")


def _work(house: House, shop: Shop, number: int, seed: int, heard: Heard, stop: threading.Event) -> None:
    chance, caller, count = random.Random(f"{seed}-{number}"), house.caller(number), 0
    while not stop.wait(chance.uniform(0, 2 * PAUSE_SECONDS)):
        count += 1
        kind = chance.choice(MIX)
        begun = time.perf_counter()
        try:
            status, said = _ask(caller, shop, kind, chance, f"S{number}-{count}")
        except Exception as error:  # one client's end is not the run's
            heard.wrong.append(f"{kind}: {error!r}")
            continue
        heard.took[kind].append((time.perf_counter() - begun) * 1000)
        if status not in (200, 201):
            heard.wrong.append(f"{kind}: {status} {said!r}")
    caller.close()


def _ask(caller: Caller, shop: Shop, kind: str, chance: random.Random, mark: str) -> tuple[int, bytes]:
    """One request of a kind; a page is read as often as a list."""
    deeds, day = deeds_of(shop), today()
    reads = (
        "/stock?limit=50", "/lots?limit=50", f"/lots/{shop.single_lot}", "/items?limit=50",
        f"/lots/{shop.multi_lot}/trace", "/quotes?limit=20", "/sessions?limit=20", "/alerts", "/health",
    )  # fmt: skip
    reports = (f"/valuation?on={day}", "/reorder-advice", f"/journal?from={day}&to={day}", "/reconciliation")
    match kind:
        case "read":
            answer = caller.ask("GET", chance.choice(reads))
        case "report":
            answer = caller.ask("GET", chance.choice(reports))
        case "quote":
            answer = caller.do(deeds["quote"](mark))
        case _:
            answer = caller.do(deeds[chance.choice(WRITES)](mark))
    return answer.status, answer.body[:200]
