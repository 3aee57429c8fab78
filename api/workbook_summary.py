"""The Summary sheet of the accountants' workbook: the period on one page, each figure a live formula (B5)."""

from dataclasses import dataclass
from decimal import Decimal

from api.listings import Listing
from api.spreadsheets import Cell, Chart, Formula, Look, Role, Sheet, Value
from api.workbook_columns import PURCHASES_SHEET
from api.workbook_control import GONE, Books, Period, answer, less, total_of
from inventory.clinic import CostFormula
from inventory.uninvoiced import BUCKETS
from pricing.quote_records import QuoteStatus

LAST_DAY = "'Summary'!$B$4"
"""Where the last day of the period stands, for formulas on other sheets."""

FORMULAS = {
    CostFormula.SPECIFIC: "specific: the cost of the very delivery that was drawn from",
    CostFormula.FIFO: "first in, first out; vials are drawn by expiry",
    CostFormula.WEIGHTED_AVERAGE: "weighted average; vials are drawn by expiry",
}


REVALUED = "by bills that differ from their receipts, late freight, another cost formula"
NOTES = {
    "Used": "drawn for patients: cost of treatment",
    "Discarded": "the rest of single-dose containers and of opened vials: cost of treatment",
    "Wasted": "expired, broken, contaminated, lost: an expense",
    "Returned": "sent back to suppliers",
    "Written down": "to what it will still bring: an expense",
}


@dataclass
class _Page:
    """The summary sheet as it is written, section by section."""

    sheet: Sheet

    def fact(self, says: str, value: Value, look: Look = Look.TEXT, note: str = "") -> str:
        """A line of one figure; answers its address."""
        cells: list[Cell | None] = [Cell(says), None if value is None else Cell(value, look)]
        if note:
            cells += [Cell(note, Look.TEXT, Role.NOTE)]
        return f"B{self.sheet.append(cells)}"

    def section(self, *heads: str) -> int:
        """An empty line and a header; answers the number of the row below."""
        self.sheet.append([])
        looks = [Look.TEXT] + [Look.MONEY] * (len(heads) - 1)
        cells = [Cell(head, look, Role.HEADER) for head, look in zip(heads, looks, strict=True)]
        return self.sheet.append(cells) + 1

    def total(self, says: str, *figures: Formula) -> None:
        """The last line of a section."""
        self.sheet.append(
            [Cell(says, Look.TEXT, Role.TOTAL), *(Cell(one, Look.MONEY, Role.TOTAL) for one in figures)]
        )


def write(sheet: Sheet, period: Period, books: Books, gap: Formula) -> None:
    """Fill the sheet; near its top stands whether the Control sheet found any difference."""
    settings, page = period.settings, _Page(sheet)
    sheet.append([Cell(settings.clinic_name, Look.TEXT, Role.TITLE)])
    page.fact("Accounts of stock in", settings.currency)
    page.fact("First day", period.since, Look.DATE)
    page.fact("Last day", period.until, Look.DATE)
    page.fact("Written (UTC)", period.at, Look.INSTANT)
    page.fact("Cost formula", settings.cost_formula.value, note=FORMULAS[settings.cost_formula])
    where = page.fact("Differences on the sheet Control", gap, Look.AMOUNT, note="must be zero")
    sheet.alarms.append(where)
    _stock(page, period)
    _treatment(page, period.listings["Cost of treatment"], books)
    _waste(page, period)
    _owed(page, period)
    _months(page, period)
    _offers(page, period)
    _trial_balance(page, period.listings["Journal"], books)


def _stock(page: _Page, period: Period) -> None:
    rolled, valued = period.listings["Roll-forward"], period.listings["Valuation"]
    first = page.section("Stock at cost", "Value")
    page.fact("Opening", rolled.total("Opening value"), Look.MONEY)
    page.fact("plus brought in", rolled.total("Brought in value"), Look.MONEY, note="opening stock")
    page.fact("plus received", rolled.total("Received value"), Look.MONEY)
    for name in GONE:
        page.fact(f"less {name.lower()}", less(rolled.total(f"{name} value")), Look.MONEY, note=NOTES[name])
    page.fact("counted, more or less", rolled.total("Counted value"), Look.MONEY)
    page.fact("revalued, more or less", rolled.total("Revalued value"), Look.MONEY, note=REVALUED)
    closing = rolled.total("Closing value").answer
    page.total("Closing", Formula(f"SUM(B{first}:B{page.sheet.rows})", closing))
    page.fact("Valuation by lot", valued.total("Value"), Look.MONEY)
    expired = sum((lot.value for lot in period.lots if lot.expires_on < period.until), Decimal(0))
    found = valued.where("Value", {"Days left": '"<0"'})
    page.fact("of which past its expiry", Formula(found, expired), Look.MONEY)


def _treatment(page: _Page, treated: Listing, books: Books) -> None:
    first = page.section("Cost of treatment", "Value")
    page.fact("Used", treated.total("Value used"), Look.MONEY)
    page.fact("Discarded in the session", treated.total("Value discarded"), Look.MONEY)
    cost = total_of(treated.total("Value used"), treated.total("Value discarded"))
    page.total("Cost", Formula(f"SUM(B{first}:B{first + 1})", cost.answer))
    page.fact("Sessions", books.sessions, Look.WHOLE)
    if books.sessions:
        mean = answer(cost) / books.sessions
        page.fact("Cost of a session", Formula(f"B{first + 2}/B{first + 3}", mean), Look.MONEY, note="mean")


def _waste(page: _Page, period: Period) -> None:
    wasted = period.listings["Wastage"]
    first = page.section("Discarded and wasted, by reason", "Value")
    reasons: dict[str, Decimal] = {}
    for row in period.waste:
        says = row.reason.replace("_", " ")
        reasons[says] = reasons.get(says, Decimal(0)) + row.value
    for says, value in sorted(reasons.items(), key=lambda one: (-one[1], one[0])):
        found = wasted.where("Value", {"Reason": f"A{page.sheet.rows + 1}"})
        page.fact(says, Formula(found, value), Look.MONEY)
    last = page.sheet.rows
    if reasons:
        page.sheet.charts.append(
            Chart("Discarded and wasted, by reason", "A", "B", first, last, at="H20", lying=True)
        )
    page.total("Discarded and wasted", Formula(_sum(first, last, "B"), wasted.totals["Value"]))


def _owed(page: _Page, period: Period) -> None:
    """Goods received and not invoiced, by how long their bill is waited for."""
    bought = period.listings[PURCHASES_SHEET]
    first = page.section("Received and not invoiced, by age", "Value")
    for youngest, oldest in BUCKETS:
        says = f"{youngest} to {oldest} days" if oldest is not None else f"{youngest} days and more"
        text = bought.where("Open at the end", {"Days open": f'">={youngest}"'})
        if oldest is not None:
            older = bought.where("Open at the end", {"Days open": f'">{oldest}"'})
            text = f"{text}-({older})"
        owed = sum(
            (
                row.open
                for row in period.purchases
                if row.days is not None and youngest <= row.days and (oldest is None or row.days <= oldest)
            ),
            Decimal(0),
        )
        page.fact(says, Formula(text, owed), Look.MONEY)
    total = bought.totals["Open at the end"]
    page.total("Received and not invoiced", Formula(_sum(first, page.sheet.rows, "B"), total))


def _months(page: _Page, period: Period) -> None:
    """What stock was worth at the end of each month; the year's chart stands beside it."""
    first = page.section("Stock at cost at the end of", "Value")
    begun = next((place for place, one in enumerate(period.months) if one.value), -1)
    for one in period.months[begun:]:
        page.sheet.append([Cell(f"{one.on:%b %Y}"), Cell(one.value, Look.MONEY)])
    page.sheet.charts.append(
        Chart("Value of stock at the end of each month", "A", "B", first, page.sheet.rows, at="H2")
    )


def _offers(page: _Page, period: Period) -> None:
    """How many quotes stand where, and what those in the clinic's currency amount to."""
    quoted, currency = period.listings["Quotes"], period.settings.currency
    first = page.section("Quotes, by status", "Total", "Quotes")
    total, count = Decimal(0), 0
    for status in QuoteStatus:
        rows = [row for row in period.quotes if row.status is status and row.currency == currency]
        if not rows:
            continue
        amount = sum((row.total for row in rows), Decimal(0))
        total, count = total + amount, count + len(rows)
        found = {"Status": f"A{page.sheet.rows + 1}", "Currency": "$B$2"}
        page.sheet.append(
            [
                Cell(status.value),
                Cell(Formula(quoted.where("Total", found), amount), Look.MONEY),
                Cell(Formula(quoted.where(None, found), len(rows)), Look.WHOLE),
            ]
        )
    last = page.sheet.rows
    page.sheet.append(
        [
            Cell("Quotes", Look.TEXT, Role.TOTAL),
            Cell(Formula(_sum(first, last, "B"), total), Look.MONEY, Role.TOTAL),
            Cell(Formula(_sum(first, last, "C"), count), Look.WHOLE, Role.TOTAL),
        ]
    )


def _trial_balance(page: _Page, journal: Listing, books: Books) -> None:
    first = page.section("Trial balance of stock", "Before", "Debit", "Credit", "After")
    for one in books.balances:
        row, found = page.sheet.rows + 1, {"Account": f'"{one.account}"'}
        figures = (
            one.opening,
            Formula(journal.where("Debit", found), one.debit),
            Formula(journal.where("Credit", found), one.credit),
            Formula(f"B{row}+C{row}-D{row}", one.closing),
        )
        name = f"{one.account} {one.name}".strip()
        page.sheet.append([Cell(name), *(Cell(figure, Look.MONEY) for figure in figures)])
    last = page.sheet.rows
    sums = (
        sum((getattr(one, side) for one in books.balances), Decimal(0))
        for side in ("opening", "debit", "credit", "closing")
    )
    page.total(
        "All accounts",
        *(Formula(_sum(first, last, letter), figure) for letter, figure in zip("BCDE", sums, strict=True)),
    )


def _sum(first: int, last: int, letter: str) -> str:
    # Rounded, so that what binary fractions leave over does not show as a minus before a zero.
    return f"ROUND(SUM({letter}{first}:{letter}{last}),2)" if last >= first else "0"
