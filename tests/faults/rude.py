"""Rude callers: some never end their request, some vanish in the middle of it, some send heads without end.

And a book whose every statement takes a while. Whoever asks properly is answered all the time.
"""

import socket
import statistics
import time
from contextlib import ExitStack, suppress
from itertools import count

from tests.faults.caller import Caller
from tests.faults.house import House, houses
from tests.faults.stockroom import open_shop
from tests.faults.tally import Tally
from tests.faults.writing import Work, deeds_of

SLOW_STATEMENTS = """
import os, time
import sqlalchemy as sa
from sqlalchemy import event
event.listen(sa.engine.Engine, "before_cursor_execute", lambda *_: time.sleep(float(os.environ["SLOWLY"])))
"""
HEAD = "POST /api/v1/imports/opening-stock HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
TEN_MEGABYTES = 10 * 1024 * 1024
LONGEST = 10  # seconds for an answer on a machine with other things to do


def rude(engine: str, *, sockets: int, rounds: int, seconds_each: float = 0.2) -> Tally:
    """Keep so many sockets busy with nothing, vanish, shout; then have every statement take so long."""
    tally, numbers = Tally(), count()
    with houses(engine, workers=1) as house, ExitStack() as open_sockets:
        house.start()
        caller = house.caller()
        shop = open_shop(caller)
        kinds = deeds_of(shop)

        def work(when: str, times: int) -> None:
            took = []
            for _ in range(times):
                kind = [*kinds][next(numbers) % len(kinds)]
                begun = time.monotonic()
                answer = caller.do(kinds[kind](f"R{next(numbers)}"))
                listed = caller.ask("GET", "/stock?limit=20")
                took.append(time.monotonic() - begun)
                if not answer.done or listed.status != 200:
                    tally.wrong.append(f"{kind} {when}: {answer.status} {listed.status}")
            tally.counts[f"ms for both {when}"] = round(statistics.median(took) * 1000)
            tally.slowest(f"answers {when}", max(took))
            if max(took) > LONGEST:
                tally.wrong.append(f"{when} somebody waited {max(took):.0f} s")

        work("in peace", 10)
        slow = [open_sockets.enter_context(connected(house)) for _ in range(sockets)]
        for number in range(rounds):
            for one in slow:  # a letter at a time, and never the last one
                one.sendall(f"GET /health?{number} ".encode() if not number else b"x")
            vanish(house, caller, number)
            tally.counts["heads of 10 MB refused"] += shouted(house)
            work("beside them", 4)
        tally.counts["sockets kept open"] = len(slow)
        if tally.counts["heads of 10 MB refused"] != rounds:
            tally.wrong.append("a head of 10 MB was heard to its end")
        caller.close()
        house.stop()
        in_no_hurry(house, shop, seconds_each, tally)
        tally.wrong += house.breaches()
    return tally


def connected(house: House) -> socket.socket:
    return socket.create_connection(("127.0.0.1", house.port), timeout=LONGEST)


def vanish(house: House, caller: Caller, number: int) -> None:
    """Go away in the middle of a body, with and without a word of farewell."""
    length = f"Authorization: Bearer {caller.token}\r\nContent-Length: 1000000\r\n\r\n"
    with connected(house) as gone:
        gone.sendall((HEAD + length).encode() + b"sku,lot_number\n" * 1000)
        if number % 2:
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # the line is cut


def shouted(house: House) -> bool:
    """Send ten megabytes of head; whether that was refused."""
    with connected(house) as one, suppress(OSError):
        one.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        for _ in range(TEN_MEGABYTES // 65_536):
            one.sendall(b"X-Much: " + b"x" * 65_526 + b"\r\n")
        answer = one.recv(100)
        return not answer or b" 4" in answer[:12]
    return True  # the server hung up


def in_no_hurry(house: House, shop: object, seconds_each: float, tally: Tally) -> None:
    """Every statement takes its time: who writes is answered or put off, and `/health` answers meanwhile."""
    house.prelude = SLOW_STATEMENTS
    house.variables["SLOWLY"] = str(seconds_each)
    house.start()
    work, caller, took = Work(house, shop, 4, 7), house.caller(15), []  # type: ignore[arg-type]
    work.begin()
    until = time.monotonic() + 40 * seconds_each
    while time.monotonic() < until:
        begun = time.monotonic()
        status = caller.ask("GET", "/health").status
        took.append(time.monotonic() - begun)
        if status != 200:
            tally.wrong.append(f"/health over a slow database: {status}")
        time.sleep(0.05)
    work.end()
    caller.close()
    tally.slowest("health over a slow database", max(took))
    tally.counts["done slowly"] = sum(deed.answer is not None and deed.answer.done for deed in work.deeds)
    tally.counts["put off"] = work.put_off
    tally.wrong += work.wrong
    if not tally.counts["done slowly"]:
        tally.wrong.append("nothing was done over a slow database")
    if house.stop():
        tally.wrong.append("the slow server did not end")
