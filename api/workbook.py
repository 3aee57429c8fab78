"""The accountants' workbook: what stock did in a period, row by row, with sums to follow (B5)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, TypeVar

from sqlalchemy.orm import Session

from api import workbook_control, workbook_courses, workbook_summary
from api.listings import Listing
from api.package import Book, whole_file, with_room
from api.spreadsheets import MOST_ROWS, Formula
from api.workbook_columns import COURSES_SHEET, IN_COLUMNS, LISTINGS, PURCHASES_SHEET
from api.workbook_control import Period
from inventory import clinic
from pricing import accounting, purchases, reports, stock_months
from pricing.accounting import check_period
from pricing.chart import Flow
from pricing.reports import Flows

Row = TypeVar("Row")
Progress = Callable[[str, int], None]
"""Is told the sheet that is being written and how many rows it has so far."""

PROGRESS_EVERY = 1_000
INWARD = (Flow.BROUGHT_IN, Flow.RECEIVED, Flow.COUNTED, Flow.REVALUED)


@dataclass(frozen=True)
class Written:
    """How many rows each sheet was given."""

    rows: dict[str, int]


def write_accounting(
    db: Session,
    out: Path | IO[bytes],
    *,
    since: date,
    until: date,
    at: datetime,
    by: str = "vialbook",
    progress: Progress | None = None,
    most_rows: int = MOST_ROWS,
) -> Written:
    """Write the workbook of a period, whole or not at all; a list longer than a sheet goes on over the next.

    The same books and the same `at` give the same file. Raises accounting.BadPeriod, package.NoRoom.
    """
    with with_room(out.name if isinstance(out, Path) else "the workbook"):
        return _write(db, out, since=since, until=until, at=at, by=by, progress=progress, most_rows=most_rows)


def _write(
    db: Session,
    out: Path | IO[bytes],
    *,
    since: date,
    until: date,
    at: datetime,
    by: str,
    progress: Progress | None,
    most_rows: int,
) -> Written:
    check_period(since, until)
    settings = clinic.settings(db)
    book = Book(
        title=f"{settings.clinic_name}: accounts of stock",
        subject=f"{since} to {until}",
        author=by,
        currency=settings.currency,
        at=at,
        folder=out.parent if isinstance(out, Path) else None,
    )
    summary = book.sheet("Summary")
    listings = {
        title: Listing(book, title, columns, frozen=frozen, most_rows=most_rows)
        for title, columns, frozen in LISTINGS
    }
    control = book.sheet("Control")
    control.widest = 100
    period = Period(
        since=since,
        until=until,
        at=at,
        settings=settings,
        listings=listings,
        lots=reports.valuation(db, on=until),
        waste=reports.wastage(db, since=since, until=until),
        quotes=reports.quotes(db, since=since, until=until),
        purchases=purchases.purchases(db, since=since, until=until),
        months=stock_months.month_ends(db, until=until),
        courses=workbook_courses.look_up(db, since=since, until=until),
    )
    _fill(db, period, progress or (lambda _sheet, _rows: None))
    books = workbook_control.look_up(db, since=since, until=until)
    gap = workbook_control.write(control, listings, books, period.purchases)
    workbook_summary.write(summary, period, books, gap)
    with whole_file(out) as file:
        book.save(file)
    return Written({title: listing.count for title, listing in listings.items()})


def _fill(db: Session, period: Period, progress: Progress) -> None:
    """The lists first, then the roll-forward, whose formulas reach into them."""
    _movements(db, period, progress)
    _treatments(db, period, progress)
    _wastage(db, period, progress)
    _purchases(period, progress)
    _quotes(period, progress)
    _journal(db, period, progress)
    courses = _told(period.listings[COURSES_SHEET], period.courses, progress)
    workbook_courses.fill(period.listings, courses)
    _valuation(period, progress)
    _roll_forward(db, period, progress)


def _told(listing: Listing, rows: Iterable[Row], progress: Progress) -> Iterator[Row]:
    """The rows, telling every so often how far it is; closes the listing after the last."""
    for number, row in enumerate(rows, start=1):
        yield row
        if not number % PROGRESS_EVERY:
            progress(listing.title, listing.count)
    listing.finish()
    progress(listing.title, listing.count)


def _movements(db: Session, period: Period, progress: Progress) -> None:
    listing = period.listings["Movements"]
    rows = reports.movements(db, since=period.since, until=period.until)
    for row in _told(listing, rows, progress):
        listing.append(
            row.id,
            row.on,
            row.entry,
            _words(row.act),
            row.item.id,
            row.item.sku,
            row.item.name,
            row.lot_number,
            row.source,
            row.target,
            row.flow.value,
            row.quantity,
            row.item.unit,
            row.change,
            row.value,
            _words(row.reason) or None,
            row.reference or None,
            row.note or None,
            row.by,
            row.recorded_at,
            row.corrects,
        )


def _treatments(db: Session, period: Period, progress: Progress) -> None:
    listing = period.listings["Cost of treatment"]
    rows = reports.cost_of_treatment(db, since=period.since, until=period.until)
    for row in _told(listing, rows, progress):
        parts = f"{listing.here('Value used')}+{listing.here('Value discarded')}"
        listing.append(
            row.on,
            row.session_id,
            row.entry,
            row.patient_ref,
            row.formulation or None,
            row.level or None,
            row.item.id,
            row.item.sku,
            row.item.name,
            row.lot_number,
            row.used,
            row.discarded,
            row.item.unit,
            row.used_value,
            row.discarded_value,
            Formula(parts, row.used_value + row.discarded_value),
        )


def _wastage(db: Session, period: Period, progress: Progress) -> None:
    listing, names = period.listings["Wastage"], accounting.chart(db)
    for row in _told(listing, period.waste, progress):
        listing.append(
            _words(row.reason),
            row.account,
            names.get(row.account),
            row.item.id,
            row.item.sku,
            row.item.name,
            row.lot_number,
            row.expires_on,
            row.quantity,
            row.item.unit,
            row.value,
        )


def _purchases(period: Period, progress: Progress) -> None:
    listing = period.listings[PURCHASES_SHEET]
    for row in _told(listing, period.purchases, progress):
        listing.append(
            row.on,
            row.event.value,
            row.entry,
            row.supplier or None,
            row.reference or None,
            row.item.id,
            row.item.sku,
            row.item.name,
            row.lot_number,
            row.quantity,
            row.item.unit,
            row.value,
            row.open or None,
            row.days,
        )


def _quotes(period: Period, progress: Progress) -> None:
    listing = period.listings["Quotes"]
    for row in _told(listing, period.quotes, progress):
        listing.append(
            row.on,
            row.number or None,
            row.version,
            row.status.value,
            row.protocol,
            row.patient_ref,
            row.sessions,
            row.currency,
            row.subtotal,
            row.discount,
            row.tax,
            "in the price" if row.tax_inclusive else "added",
            row.total,
            row.valid_until,
        )


def _journal(db: Session, period: Period, progress: Progress) -> None:
    listing = period.listings["Journal"]
    rows = accounting.journal(db, since=period.since, until=period.until)
    for entry in _told(listing, rows, progress):
        for line in entry.lines:
            listing.append(
                entry.on,
                entry.id,
                entry.course_id,
                entry.description,
                line.account,
                line.name or None,
                line.debit or None,
                line.credit or None,
            )


def _valuation(period: Period, progress: Progress) -> None:
    listing = period.listings["Valuation"]
    for row in _told(listing, period.lots, progress):
        cost = Formula(f"{listing.here('Value')}/{listing.here('Quantity')}", row.unit_cost)
        left = f"{listing.here('Expires')}-{workbook_summary.LAST_DAY}"
        listing.append(
            row.item.id,
            row.item.sku,
            row.item.name,
            row.item.kind.value,
            row.lot_number,
            row.expires_on,
            Formula(left, (row.expires_on - period.until).days),
            row.places,
            row.quantity,
            row.item.unit,
            cost if row.quantity else None,
            row.value,
            row.last_count,
        )


def _roll_forward(db: Session, period: Period, progress: Progress) -> None:
    """Each flow is the sum of its movements, each closing the sum of its flows, beside the valuation."""
    listing, valued = period.listings["Roll-forward"], period.listings["Valuation"]
    held: dict[int, tuple[Decimal, Decimal]] = {}
    for lot in period.lots:
        quantity, value = held.get(lot.item.id, (Decimal(0), Decimal(0)))
        held[lot.item.id] = (quantity + lot.quantity, value + lot.value)
    moved = period.listings["Movements"]
    rows = reports.roll_forward(db, since=period.since, until=period.until)
    for row in _told(listing, rows, progress):
        own = {"Item no.": listing.here("Item no.")}
        quantity, value = held.get(row.item.id, (Decimal(0), Decimal(0)))
        listing.append(
            row.item.id,
            row.item.sku,
            row.item.name,
            row.item.kind.value,
            row.item.unit,
            *_columns(listing, moved, row.quantity, "qty", "Stock change"),
            *_columns(listing, moved, row.value, "value", "Value change"),
            Formula(valued.where("Quantity", own), quantity),
            Formula(
                f"ROUND({listing.here('Closing qty')}-{listing.here('Valuation qty')},4)",
                row.quantity.closing - quantity,
            ),
            Formula(valued.where("Value", own), value),
            Formula(
                f"ROUND({listing.here('Closing value')}-{listing.here('Valuation value')},2)",
                row.value.closing - value,
            ),
        )


def _columns(
    listing: Listing, moved: Listing, flows: Flows, ending: str, summed: str
) -> Iterator[Decimal | Formula]:
    yield flows.opening
    closing = listing.here(f"Opening {ending}")
    for flow in IN_COLUMNS:
        criteria = {"Item no.": listing.here("Item no."), "Flow": f'"{flow}"'}
        total = moved.where(summed, criteria)
        yield Formula(total if flow in INWARD else f"-({total})", getattr(flows, flow))
        sign = "+" if flow in INWARD else "-"
        closing += f"{sign}{listing.here(f'{flow.heading} {ending}')}"
    yield Formula(closing, flows.closing)


def _words(code: str) -> str:
    return code.replace("_", " ")
