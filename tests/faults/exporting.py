"""Readers who fetch large files again and again: none that was begun may come cut short."""

import http.client
import io
import threading
import time
import zipfile
from contextlib import closing, suppress
from dataclasses import dataclass, field

from tests.faults.caller import BASE
from tests.faults.house import House
from tests.faults.stockroom import YEAR, new_item, today
from tests.faults.tally import Tally

SOON = 0.3  # seconds after which a request has certainly reached the server
AT_ONCE = 64 * 1024
PATH = BASE + "/exports/accounting.xlsx?from={}&to={}"


def stock_up(house: House, rows: int) -> None:
    """Bring a list of so many lots, so that the accountants' workbook is a large file."""
    caller = house.caller()
    sku, good = new_item(caller), today() + YEAR
    lines = [f"{sku},L{number},{good},1,9.00" for number in range(rows)]
    body = "\n".join(["sku,lot_number,expires_on,containers,unit_cost", *lines]).encode()
    answer = caller.ask("POST", "/imports/opening-stock", body, **{"Content-Type": "text/csv"})
    assert answer.done, answer
    caller.close()


@dataclass
class Readers:
    """Some who fetch the workbook until the server is gone, and what became of each file."""

    house: House
    readers: int
    tally: Tally = field(default_factory=Tally)
    told_to_end: float = float("inf")

    def __post_init__(self) -> None:
        self._gone = threading.Event()
        self._threads = [
            threading.Thread(target=self._read, args=(number,), daemon=True) for number in range(self.readers)
        ]

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._gone.set()
        for thread in self._threads:
            thread.join()

    def _read(self, number: int) -> None:
        while not self._gone.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.house.port, timeout=60)
            with closing(connection):
                asked = time.monotonic()
                try:
                    connection.request(
                        "GET", PATH.format(today() - 2 * YEAR, today()), headers=self._who(number)
                    )
                    answer = connection.getresponse()
                except (OSError, http.client.HTTPException) as broken:
                    if asked + SOON < self.told_to_end:
                        self.tally.wrong.append(f"an export was under way and was not answered: {broken!r}")
                    return
                self._judge(answer)

    def _who(self, number: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.house.tokens[number]}"}

    def _judge(self, answer: http.client.HTTPResponse) -> None:
        """The whole file, or a 503."""
        body = io.BytesIO()
        with suppress(OSError, http.client.HTTPException):
            while piece := answer.read(AT_ONCE):
                body.write(piece)
                time.sleep(0.002)  # not as fast as it is written
        size = body.tell()
        if size != int(answer.headers["Content-Length"]):
            self.tally.wrong.append(
                f"an export was cut short: {size} bytes of {answer.headers['Content-Length']}"
            )
        elif answer.status == 503:
            self.tally.counts["exports put off"] += 1
        elif answer.status != 200 or zipfile.ZipFile(body).testzip() is not None:
            self.tally.wrong.append(f"an export: {answer.status} {body.getvalue()[:200]!r}")
        else:
            self.tally.counts["exports"] += 1
