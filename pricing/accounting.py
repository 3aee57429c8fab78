"""The books: the journal that stock and courses make, and what it adds up to (B1, B2, B3).

No entry of stock is ever written down: each is reckoned from the movements of one document by the one table
in `chart`, or from its bills and changes of value (`stock_book`), so that journal and stock cannot disagree.
Those of courses were written with their facts (`course_book`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from heapq import merge

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.catalog import Item
from inventory.clinic import Place, PlaceKind, Site
from inventory.errors import Invalid
from inventory.ledger import DOCUMENTS, MOVEMENTS, DocumentKind
from inventory.measures import ZERO
from pricing import course_book, stock_book
from pricing.chart import INVENTORY_ACCOUNTS, Side, posting
from pricing.chart import Account as Account  # who asks for the books finds the chart here too
from pricing.chart import AccountKind as AccountKind
from pricing.chart import Statement as Statement
from pricing.course_book import EntryKind
from pricing.course_records import Course

BEHIND = 10**15
"""The entries of courses stand behind those of stock of the same day: their keys are so much larger."""
CHUNK = 500  # documents read at a time: what a journal of any length holds in memory

WORDS = {
    DocumentKind.RECEIPT: "Goods received",
    DocumentKind.OPENING_STOCK: "Opening stock",
    DocumentKind.OPENING: "Vial opened",
    DocumentKind.SESSION: "Treatment session",
    DocumentKind.DISCARD: "Opened vial discarded",
    DocumentKind.WRITE_OFF: "Stock written off",
    DocumentKind.HOLD: "Lot held or released",
    DocumentKind.REVERSAL: "Reversal",
    DocumentKind.COUNT: "Stock count",
    DocumentKind.REVALUATION: "Cost formula changed",
    DocumentKind.INVOICE: "Supplier invoice",
    DocumentKind.WRITE_DOWN: "Stock written down",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One account of an entry; either debit or credit is zero."""

    account: str
    name: str
    debit: Decimal
    credit: Decimal


@dataclass(frozen=True, slots=True)
class Entry:
    """What one document means to the books; its lines balance. `key` is where a list of entries goes on."""

    id: str
    on: date
    description: str
    lines: tuple[Line, ...]
    key: tuple[date, int]
    course_id: int | None = None
    site: str = ""  # the code of the site where it happened
    practitioner: str = ""  # who treated, where a session made it

    @property
    def amount(self) -> Decimal:
        """The sum of the debits, which is that of the credits."""
        return sum((line.debit for line in self.lines), ZERO)


@dataclass(frozen=True, slots=True)
class AccountTotal:
    """What an account had before a period, what the period wrote on each side, and what it has after."""

    account: str
    name: str
    opening: Decimal  # debit positive
    debit: Decimal
    credit: Decimal

    @property
    def closing(self) -> Decimal:
        return self.opening + self.debit - self.credit


class BadPeriod(Invalid):
    """A period ends on or after the day on which it begins."""


def check_period(since: date, until: date) -> None:
    """Raises BadPeriod when a period would end before it begins."""
    if until < since:
        raise BadPeriod(f"A period from {since} cannot end on {until}.")


def entry_id(document_id: int) -> str:
    """The name of the entry that a stock document makes; other sources will have other letters."""
    return f"ST-{document_id}"


def place_kinds(db: Session) -> dict[int, PlaceKind]:
    """The kind of every place, by key."""
    return {key: kind for key, kind in db.execute(sa.select(Place.id, Place.kind))}


def site_codes(db: Session) -> dict[int, str]:
    """The code of every site, by key."""
    return {key: code for key, code in db.execute(sa.select(Site.id, Site.code))}


def chart(db: Session) -> dict[str, str]:
    """The name of every account, by code."""
    return {code: name for code, name in db.execute(sa.select(Account.code, Account.name))}


def journal(
    db: Session, *, since: date, until: date, after: tuple[date, int] | None = None
) -> Iterator[Entry]:
    """Every entry of a period in the order of date and source, a few at a time (B1, B2).

    `after` is the `key` of the last entry seen. What moved within the clinic makes no entry, nor does
    what was worth nothing. Raises BadPeriod.
    """
    check_period(since, until)
    of_stock = _of_stock(db, since=since, until=until, after=after)
    of_courses = _of_courses(db, since=since, until=until, after=after)
    yield from merge(of_stock, of_courses, key=lambda entry: entry.key)


def _of_courses(db: Session, *, since: date, until: date, after: tuple[date, int] | None) -> Iterator[Entry]:
    """What was written of courses: payments, sessions earned, refunds, what expired (B2)."""
    names, sites = chart(db), _sites_of_courses(db)
    last = (since, 0) if after is None else (after[0], max(0, after[1] - BEHIND))
    while True:
        found = course_book.written(db, since=max(since, last[0]), until=until, after=last, limit=CHUNK)
        for head, lines in found:
            sides = {(one.account, Side.DEBIT): one.debit for one in lines}
            sides |= {(one.account, Side.CREDIT): one.credit for one in lines if one.credit}
            if said := _lines(sides, names):
                words = f"Course {head.course_id}: {head.kind.spoken}"
                key = (head.on, BEHIND + head.id)
                yield Entry(
                    f"CO-{head.id}",
                    head.on,
                    words,
                    said,
                    key,
                    head.course_id,
                    sites[head.course_id],
                    head.by if head.kind is EntryKind.PERFORMED else "",
                )
        if len(found) < CHUNK:
            return
        last = (found[-1][0].on, found[-1][0].id)


def _sites_of_courses(db: Session) -> dict[int, str]:
    return {key: code for key, code in db.execute(sa.select(Course.id, Site.code).join(Site))}


def _of_stock(db: Session, *, since: date, until: date, after: tuple[date, int] | None) -> Iterator[Entry]:
    """What the movements of each document make, by the one table of postings (B1)."""
    kinds, names, sites = place_kinds(db), chart(db), site_codes(db)
    fields = (
        MOVEMENTS.c.document_id,
        MOVEMENTS.c.source_id,
        MOVEMENTS.c.target_id,
        MOVEMENTS.c.reason,
        MOVEMENTS.c.corrects_id.isnot(None).label("mirrored"),
        Item.kind,
        sa.func.sum(MOVEMENTS.c.value).label("value"),
    )
    for heads in documents(db, since=since, until=until, after=after):
        rows = db.execute(
            sa.select(*fields)
            .join(Item, Item.id == MOVEMENTS.c.item_id)
            .where(MOVEMENTS.c.document_id.in_([head.id for head in heads]), MOVEMENTS.c.direction != 0)
            .group_by(*fields[:-1])
        )
        totals: dict[int, dict[tuple[str, Side], Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for document_id, source_id, target_id, reason, mirrored, kind, value in rows:
            rule = posting(kinds[source_id], kinds[target_id], reason, mirrored=mirrored)
            debit, credit = rule.accounts(kind, mirrored=mirrored)
            totals[document_id][debit, Side.DEBIT] += value
            totals[document_id][credit, Side.CREDIT] += value
        for document_id, account, side, value in stock_book.sides(db, [head.id for head in heads]):
            totals[document_id][account, side] += value
        for head in heads:
            if lines := _lines(totals.get(head.id, {}), names):
                yield Entry(
                    entry_id(head.id),
                    head.on,
                    _description(head),
                    lines,
                    (head.on, head.id),
                    site=sites[head.site_id],
                    practitioner=head.by if head.kind is DocumentKind.SESSION else "",
                )


@dataclass(frozen=True, slots=True)
class Head:
    """What the journal says of a document itself."""

    id: int
    on: date
    kind: DocumentKind
    reference: str
    note: str
    site_id: int
    by: str


def documents(
    db: Session,
    *,
    since: date,
    until: date,
    after: tuple[date, int] | None = None,
    kinds: Iterable[DocumentKind] | None = None,
) -> Iterator[list[Head]]:
    """The documents of a period in the order of date and key, some hundred at a time."""
    fields = (
        DOCUMENTS.c.id, DOCUMENTS.c.on, DOCUMENTS.c.kind, DOCUMENTS.c.reference, DOCUMENTS.c.note,
        DOCUMENTS.c.site_id, DOCUMENTS.c.by,
    )  # fmt: skip
    order = (DOCUMENTS.c.on, DOCUMENTS.c.id)
    wanted = sa.select(*fields).where(DOCUMENTS.c.on.between(since, until)).order_by(*order).limit(CHUNK)
    if kinds is not None:
        wanted = wanted.where(DOCUMENTS.c.kind.in_(list(kinds)))
    while True:
        query = wanted
        if after is not None:
            # The date alone bounds the index; the pair skips what was seen of that date.
            query = wanted.where(DOCUMENTS.c.on >= after[0], sa.tuple_(*order) > sa.tuple_(*after))
        heads = [Head(*row) for row in db.execute(query)]
        if heads:
            yield heads
        if len(heads) < CHUNK:
            return
        after = (heads[-1].on, heads[-1].id)


def trial_balance(db: Session, *, since: date, until: date) -> tuple[AccountTotal, ...]:
    """Every account that was touched, by code: opening, the period's two sides, closing (B3).

    Raises BadPeriod.
    """
    check_period(since, until)
    before = _sides(db, lambda day: day < since)
    within = _sides(db, lambda day: day.between(since, until))
    names = chart(db)
    return tuple(
        AccountTotal(
            account=code,
            name=names.get(code, ""),
            opening=before[code, Side.DEBIT] - before[code, Side.CREDIT],
            debit=within[code, Side.DEBIT],
            credit=within[code, Side.CREDIT],
        )
        for code in sorted({code for code, _ in (*before, *within)})
    )


def inventory_balance(db: Session, *, on: date) -> Decimal:
    """What the inventory accounts have at the end of a day, by the journal alone (B3)."""
    return balance(db, INVENTORY_ACCOUNTS, on=on)


def balance(db: Session, accounts: Iterable[str], *, on: date) -> Decimal:
    """What some accounts have together at the end of a day, debit above zero."""
    sides = _sides(db, lambda day: day <= on)
    return sum((sides[code, Side.DEBIT] - sides[code, Side.CREDIT] for code in accounts), ZERO)


Dated = Callable[[sa.ColumnElement[date]], sa.ColumnElement[bool]]


def _sides(db: Session, dated: Dated) -> dict[tuple[str, Side], Decimal]:
    """What stock and the courses of some dates wrote on each side of each account."""
    kinds = place_kinds(db)
    fields = (
        MOVEMENTS.c.source_id,
        MOVEMENTS.c.target_id,
        MOVEMENTS.c.reason,
        MOVEMENTS.c.corrects_id.isnot(None).label("mirrored"),
        Item.kind,
    )
    rows = db.execute(
        sa.select(*fields, sa.func.sum(MOVEMENTS.c.value))
        .join(Item, Item.id == MOVEMENTS.c.item_id)
        .where(MOVEMENTS.c.direction != 0, dated(MOVEMENTS.c.on))
        .group_by(*fields)
    )
    sides: dict[tuple[str, Side], Decimal] = defaultdict(Decimal)
    for source_id, target_id, reason, mirrored, kind, value in rows:
        rule = posting(kinds[source_id], kinds[target_id], reason, mirrored=mirrored)
        debit, credit = rule.accounts(kind, mirrored=mirrored)
        sides[debit, Side.DEBIT] += value
        sides[credit, Side.CREDIT] += value
    for _, account, side, value in stock_book.sides(db, dated):
        sides[account, side] += value
    for account, debited, credited in course_book.sides(db, dated):
        sides[account, Side.DEBIT] += debited
        sides[account, Side.CREDIT] += credited
    return sides


def _lines(totals: Mapping[tuple[str, Side], Decimal], names: Mapping[str, str]) -> tuple[Line, ...]:
    """Debits first, each by account; an entry that does not balance is a fault of ours, never shown."""
    lines = tuple(
        Line(code, names.get(code, ""), *((value, ZERO) if side is Side.DEBIT else (ZERO, value)))
        for (code, side), value in sorted(
            totals.items(), key=lambda item: (item[0][1] is Side.CREDIT, item[0][0])
        )
        if value
    )
    assert sum(line.debit for line in lines) == sum(line.credit for line in lines), lines
    return lines


def _description(head: Head) -> str:
    """What kind of act, and its reference or note; never whose session it was (T8)."""
    told = [WORDS.get(head.kind, head.kind.replace("_", " "))]
    told += [words for words in (head.reference, head.note) if words]
    return ": ".join(told)
