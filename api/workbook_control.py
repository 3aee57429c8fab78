"""The Control sheet of the accountants' workbook: figures reckoned in two ways, and no difference (B3)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from api.listings import Listing
from api.spreadsheets import Cell, Formula, Look, Role, Sheet
from api.workbook_columns import COURSES_SHEET, PURCHASES_SHEET
from api.workbook_courses import CourseRow
from inventory.clinic import Settings
from pricing import accounting, chart, course_book, reports
from pricing.accounting import AccountTotal
from pricing.purchases import Event, PurchaseRow
from pricing.reports import QuoteRow, Reconciliation, ValuationRow, WasteRow
from pricing.stock_months import MonthEnd

CAME = ("Opening", "Brought in", "Received", "Counted", "Revalued")
GONE = ("Used", "Discarded", "Wasted", "Returned", "Written down")


@dataclass(frozen=True)
class Period:
    """What a workbook is about, and its lists, complete."""

    since: date
    until: date
    at: datetime
    settings: Settings
    listings: dict[str, Listing]
    lots: tuple[ValuationRow, ...]
    waste: tuple[WasteRow, ...]
    quotes: tuple[QuoteRow, ...]
    purchases: tuple[PurchaseRow, ...]
    months: tuple[MonthEnd, ...]
    courses: tuple[CourseRow, ...]


@dataclass(frozen=True)
class Books:
    """What the database itself says, beside what the workbook adds up."""

    balances: tuple[AccountTotal, ...]
    reconciled: Reconciliation
    movements: int
    sessions: int


@dataclass(frozen=True)
class Check:
    """Two ways to reckon one figure."""

    says: str
    one: Formula | Decimal | int
    other: Formula | Decimal | int
    look: Look = Look.BALANCE


def look_up(db: Session, *, since: date, until: date) -> Books:
    """What the database says of a period."""
    return Books(
        balances=accounting.trial_balance(db, since=since, until=until),
        reconciled=reports.reconcile(db, on=until),
        movements=reports.count_movements(db, since=since, until=until),
        sessions=reports.count_sessions(db, since=since, until=until),
    )


def write(sheet: Sheet, lists: dict[str, Listing], books: Books, purchases: Sequence[PurchaseRow]) -> Formula:
    """One row a check; answers the formula of the sum of all differences."""
    heads = ("Check", "One way", "Other way", "Difference", "Result")
    looks = (Look.TEXT, Look.BALANCE, Look.BALANCE, Look.BALANCE, Look.TEXT)
    sheet.append([Cell(head, look, Role.HEADER) for head, look in zip(heads, looks, strict=True)])
    gaps = []
    for check in _checks(lists, books, purchases):
        row = sheet.rows + 1
        gap = answer(check.one) - answer(check.other)
        gaps.append(abs(gap))
        verdict = Formula(f'IF(D{row}=0,"agrees","DIFFERS")', "DIFFERS" if gap else "agrees")
        difference = Formula(f"ROUND(B{row}-C{row},4)", gap)
        sheet.append(
            [
                Cell(check.says),
                Cell(check.one, check.look),
                Cell(check.other, check.look),
                Cell(difference, check.look),
                Cell(verdict),
            ]
        )
    last = sheet.rows
    sheet.filter_to = f"A1:E{last}"
    gap = sum(gaps, Decimal(0))
    sheet.alarms.append(f"D2:D{last + 1}")
    total = [
        Cell("All differences, without their signs", Look.TEXT, Role.TOTAL),
        Cell(None, Look.BALANCE, Role.TOTAL),
        Cell(None, Look.BALANCE, Role.TOTAL),
        Cell(Formula(f"SUMPRODUCT(ABS(D2:D{last}))", gap), Look.AMOUNT, Role.TOTAL),
        Cell(
            Formula(f'IF(D{last + 1}=0,"all agree","LOOK ABOVE")', "LOOK ABOVE" if gap else "all agree"),
            Look.TEXT,
            Role.TOTAL,
        ),
    ]
    sheet.append(total)
    return Formula(f"'Control'!$D${last + 1}", gap)


def answer(value: Formula | Decimal | int) -> Decimal:
    """The figure itself, or the one that a formula must give."""
    figure = value.answer if isinstance(value, Formula) else value
    assert isinstance(figure, Decimal | int), value
    return Decimal(figure)


def _checks(lists: dict[str, Listing], books: Books, purchases: Sequence[PurchaseRow]) -> list[Check]:
    """What must agree, each reckoned on one sheet and found on another, or in the database itself."""
    rolled, valued = lists["Roll-forward"], lists["Valuation"]
    moved, journal = lists["Movements"], lists["Journal"]
    value = valued.total("Value")
    before = sum(
        (one.opening for one in books.balances if one.account in chart.INVENTORY_ACCOUNTS), Decimal(0)
    )
    stock = _net(journal, books, chart.INVENTORY_ACCOUNTS)
    checks = [
        Check(
            "Opening + what came - what went ± counted ± revalued = valuation",
            total_of(
                *(rolled.total(f"{name} value") for name in CAME),
                *(less(rolled.total(f"{name} value")) for name in GONE),
            ),
            value,
        ),
        Check("The same for every item, in value", rolled.sizes("Difference value"), 0),
        Check("The same for every item, in quantity", rolled.sizes("Difference qty"), 0, Look.AMOUNT),
        Check("Debits = credits", journal.total("Debit"), journal.total("Credit")),
        Check("Inventory accounts = valuation", total_of(before, stock), value),
        Check("Inventory accounts before the period = opening", before, rolled.total("Opening value")),
        Check(
            "All changes of value by movements = closing - opening",
            moved.total("Value change"),
            total_of(rolled.total("Closing value"), less(rolled.total("Opening value"))),
        ),
        *_by_flow(lists, books),
        *_of_purchases(lists, books, purchases),
        *_of_courses(lists, books),
        Check("Movements here = movements on record", moved.numbered(), books.movements, Look.WHOLE),
        Check("Valuation = inventory accounts on record", value, books.reconciled.account),
    ]
    if books.reconciled.layers is not None:
        checks.append(Check("Valuation = cost layers on record", value, books.reconciled.layers))
    return checks


def _by_flow(lists: dict[str, Listing], books: Books) -> list[Check]:
    """Each way out of stock on its own sheet, in the roll-forward and in the journal."""
    rolled, journal = lists["Roll-forward"], lists["Journal"]
    used, wasted = lists["Cost of treatment"].total("Value used"), lists["Wastage"].total("Value")
    lost = _net(journal, books, (chart.DISCARD, chart.EXPIRED, chart.WRITTEN_OFF))
    return [
        Check("Used, roll-forward = cost of treatment", rolled.total("Used value"), used),
        Check("Used, cost of treatment = journal", used, _net(journal, books, chart.TREATMENT_ACCOUNTS)),
        Check(
            "Discarded and wasted, roll-forward = wastage",
            total_of(rolled.total("Discarded value"), rolled.total("Wasted value")),
            wasted,
        ),
        Check("Discarded and wasted, wastage = journal", wasted, lost),
        Check(
            "Brought in, roll-forward = journal, owner equity",
            rolled.total("Brought in value"),
            less(_net(journal, books, (chart.OWNER_EQUITY,))),
        ),
        Check(
            "Counted, roll-forward = journal, count differences",
            rolled.total("Counted value"),
            less(_net(journal, books, (chart.DIFFERENCES,))),
        ),
    ]


def _of_purchases(lists: dict[str, Listing], books: Books, purchases: Sequence[PurchaseRow]) -> list[Check]:
    """What is owed for goods that no bill has come for, event by event, at the end, and in its account."""
    rolled, bought = lists["Roll-forward"], lists[PURCHASES_SHEET]
    before = -sum((one.opening for one in books.balances if one.account == chart.GRNI), Decimal(0))
    moved = [
        Formula(
            bought.where("Value", {"Event": f'"{event}"'}),
            sum((row.value for row in purchases if row.event is event), Decimal(0)),
        )
        for event in (Event.RECEIVED, Event.SENT_BACK)
    ]
    return [
        Check(
            "Received - returned, roll-forward = purchases",
            total_of(rolled.total("Received value"), less(rolled.total("Returned value"))),
            total_of(*moved),
        ),
        Check(
            "Open before + received - returned - billed = open at the end",
            bought.total("Value"),
            bought.total("Open at the end"),
        ),
        Check(
            f"Goods received not invoiced = account {chart.GRNI}",
            bought.total("Open at the end"),
            total_of(before, less(_net(lists["Journal"], books, (chart.GRNI,)))),
        ),
    ]


def _of_courses(lists: dict[str, Listing], books: Books) -> list[Check]:
    """What is owed on courses, course by course and in the accounts, before the period and after it (B2)."""
    listed, journal = lists[COURSES_SHEET], lists["Journal"]
    checks = []
    for title, account, words, sign in (
        ("Deferred", course_book.DEFERRED, "deferred revenue", -1),
        ("Receivable", course_book.RECEIVABLE, "receivable", 1),
    ):
        before = sign * sum((one.opening for one in books.balances if one.account == account), Decimal(0))
        net = _net(journal, books, (account,))
        checks += [
            Check(f"Courses before the period = account {account}", listed.total(f"{title} before"), before),
            Check(
                f"Courses, {words} = account {account}",
                listed.total(title),
                total_of(before, net if sign > 0 else less(net)),
            ),
        ]
    return checks


def _net(journal: Listing, books: Books, accounts: Collection[str]) -> Formula:
    """Debits less credits of some accounts on the journal's sheet."""
    terms = []
    for code in sorted(accounts):
        found = {"Account": f'"{code}"'}
        terms.append(f"{journal.where('Debit', found)}-({journal.where('Credit', found)})")
    return Formula(
        "+".join(terms),
        sum((one.debit - one.credit for one in books.balances if one.account in accounts), Decimal(0)),
    )


def total_of(*terms: Formula | Decimal) -> Formula:
    """The sum of figures and formulas."""
    texts = [term.text if isinstance(term, Formula) else format(term, "f") for term in terms]
    return Formula("+".join(f"({text})" for text in texts), sum(map(answer, terms), Decimal(0)))


def less(term: Formula) -> Formula:
    """The formula with the other sign."""
    return Formula(f"-({term.text})", -answer(term))
