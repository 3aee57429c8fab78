"""Writers that mix a clinic's work and keep a record of what they asked and what was answered."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.idempotency import RequestKey
from inventory.ledger import Document
from inventory.treatments import TreatmentSession
from inventory.vials import OpenedVial
from pricing.quote_records import Quote
from tests.faults.caller import Caller, Deed, Unanswered
from tests.faults.house import House
from tests.faults.stockroom import Shop, delivery, today

MARKED: dict[str, sa.orm.InstrumentedAttribute[str]] = {
    "receipt": Document.reference,
    "session": TreatmentSession.patient_ref,
    "vials session": TreatmentSession.patient_ref,
    "write-off": Document.note,
    "move": Document.note,
    "transfer": Document.note,
    "opening": OpenedVial.patient_ref,
    "quote": Quote.patient_ref,
}
"""Where the mark of each kind of deed stands in the book."""


def deeds_of(shop: Shop) -> dict[str, Callable[[str], Deed]]:
    """Every kind of deed of the mixed work, made for a mark."""
    one = {"lot": shop.single_lot, "quantity": "3"}

    def visit(sku: str, mark: str) -> dict[str, object]:
        return {"patient_ref": mark, "site": "MAIN", "lines": [{"sku": sku, "quantity": "2"}]}

    quote = {"protocol": "P-00", "level": "L5", "site": "MAIN", "starts_on": str(today()), "sessions": 4}
    made: dict[str, Callable[[str], tuple[str, dict[str, object]]]] = {
        "session": lambda mark: ("/sessions", visit(shop.single, mark)),
        "vials session": lambda mark: ("/sessions", visit(shop.multi, mark)),
        "receipt": lambda mark: ("/receipts", delivery(shop.single, 2, document=mark)),
        "write-off": lambda mark: ("/write-offs", one | {"reason": "broken", "note": mark}),
        "move": lambda mark: ("/moves", {"to": "CUP-1", "lines": [one | {"place": "SHELF"}], "reason": mark}),
        "transfer": lambda mark: ("/transfers", {"target": "SECOND", "lines": [one], "note": mark}),
        "opening": lambda mark: ("/opened-vials", {"lot": shop.multi_lot, "patient_ref": mark}),
        "quote": lambda mark: (
            "/quotes",
            quote | {"patient_ref": mark, "screening": {"allergies": []}},
        ),
    }
    return {
        kind: lambda mark, kind=kind, make=make: Deed(*make(mark), mark=mark, kind=kind)  # type: ignore[misc]
        for kind, make in made.items()
    }


@dataclass
class Work:
    """What some writers have done so far, until they are told to stop or the server is gone."""

    house: House
    shop: Shop
    writers: int
    seed: int
    deeds: list[Deed] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    put_off: int = 0

    def __post_init__(self) -> None:
        self._stop, self._free = threading.Event(), threading.Event()
        self._free.set()
        self._threads = [
            threading.Thread(target=self._write, args=(number,), daemon=True)
            for number in range(self.writers)
        ]

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Wait for the writers, who finish what they have begun."""
        self._stop.set()
        self._free.set()
        for thread in self._threads:
            thread.join()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Have the writers finish what they have begun, and wait for the length of a block."""
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    def _write(self, number: int) -> None:
        chance = random.Random(f"{self.seed}-{number}")
        caller, kinds = self.house.caller(number), deeds_of(self.shop)
        count = 0
        while self._free.wait() and not self._stop.is_set():
            count += 1
            deed = kinds[chance.choice([*kinds])](f"C{self.seed}-{number}-{count}")
            self.deeds.append(deed)
            begun = time.perf_counter()
            try:
                answer = caller.once(deed)
            except Unanswered:
                break
            self.milliseconds.append((time.perf_counter() - begun) * 1000)
            if answer.status in (429, 503):
                self.put_off += 1  # it was not done, and is left so
                time.sleep(0.5 if answer.name == "CannotWrite" else 0.1)
                continue
            deed.answer = answer
            if not answer.done:
                self.wrong.append(f"{deed.kind}: {answer.status} {answer.body[:300]!r}")
        caller.close()


def effects(db: Session, deeds: Iterable[Deed]) -> Counter[str]:
    """How often each mark stands in the book."""
    found: Counter[str] = Counter()
    marks: dict[str, list[str]] = {}
    for deed in deeds:
        marks.setdefault(deed.kind, []).append(deed.mark)
    for kind, some in marks.items():
        column = MARKED[kind]
        for start in range(0, len(some), 500):
            asked = sa.select(column, sa.func.count()).where(column.in_(some[start : start + 500]))
            found.update({mark: number for mark, number in db.execute(asked.group_by(column))})
    return found


def keys_kept(db: Session, deeds: Iterable[Deed]) -> set[str]:
    """Which of the deeds' keys are in the book."""
    keys = [deed.key for deed in deeds]
    kept: set[str] = set()
    for start in range(0, len(keys), 500):
        kept.update(
            db.scalars(sa.select(RequestKey.key).where(RequestKey.key.in_(keys[start : start + 500])))
        )
    return kept


def settle(caller: Caller, deed: Deed) -> None:
    """Ask again for what was left without an answer; now it has one."""
    deed.answer = caller.do(deed)
