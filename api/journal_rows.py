"""An entry of the journal as each accounting program imports it: columns, signs, dates, lengths (B6)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from api.spreadsheets import LIVE
from pricing.accounting import Entry, Line
from pricing.mapping import Software

CSV = "text/csv"
ROUNDING = "5150"  # the account of what is lost where a currency has no cents
PARTIES = {"1100": "Patients", "2000": "Suppliers"}
"""Whom QuickBooks Online wants named on lines of its receivables and payables."""


@dataclass(frozen=True)
class Elsewhere:
    """What the other software calls our accounts and sites, by our codes; how many decimals money has."""

    accounts: Mapping[str, str]
    sites: Mapping[str, str]
    decimals: int


@dataclass(frozen=True)
class Form:
    """A file as one program imports it."""

    ending: str
    header: tuple[tuple[str, ...], ...]
    rows: Callable[[Entry, Elsewhere], list[list[str]]]
    most_lines: int | None = None  # journal lines of one file
    separator: str = ","
    encoding: str = "utf-8"
    mimetype: str = CSV


def amount(value: Decimal, to: Elsewhere) -> str:
    """Money without thousands marks, with as many decimals as its currency has."""
    return f"{value:.{to.decimals}f}"


def words(text: str, longest: int) -> str:
    """Text on one line that no spreadsheet takes for a formula, cut to what fits."""
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return ("'" + plain if LIVE.match(plain) else plain)[:longest].rstrip()


def day_first(on: date) -> str:
    """`30/11/2026`."""
    return f"{on:%d/%m/%Y}"


def month_first(on: date) -> str:
    """`11/30/2026`."""
    return f"{on:%m/%d/%Y}"


def net(line: Line) -> Decimal:
    """Debit above zero, credit below."""
    return line.debit - line.credit


def of_xero(entry: Entry, to: Elsewhere) -> list[list[str]]:
    """A manual journal: lines of one narration and date are one journal, so the narration names the entry."""
    narration = words(f"{entry.description[:400]} [{entry.id}]", 500)
    tracking = ["Clinic", words(to.sites[entry.site], 100)] if entry.site else ["", ""]
    tracking += ["Practitioner", words(entry.practitioner, 100)] if entry.practitioner else ["", ""]
    return [
        [
            narration,
            day_first(entry.on),
            words(line.name, 200),
            to.accounts[line.account],
            "No VAT",
            amount(net(line), to),
            *tracking,
        ]
        for line in entry.lines
    ]


def of_qbo(entry: Entry, to: Elsewhere) -> list[list[str]]:
    """A journal entry: what has one number is one entry, debits and credits stand in columns of their own."""
    return [
        [
            entry.id,
            month_first(entry.on),
            to.accounts[line.account],
            amount(line.debit, to) if line.debit else "",
            amount(line.credit, to) if line.credit else "",
            words(entry.description, 400),
            PARTIES.get(line.account, ""),
            words(to.sites[entry.site], 100) if entry.site else "",
        ]
        for line in entry.lines
    ]


def of_iif(entry: Entry, to: Elsewhere) -> list[list[str]]:
    """A general journal of QuickBooks Desktop: a TRNS line, SPL lines, the end; debits are above zero."""
    rows = [
        [
            "SPL" if place else "TRNS",
            "GENERAL JOURNAL",
            month_first(entry.on),
            to.accounts[line.account],
            amount(net(line), to),
            entry.id[:11],
            words(entry.description, 200).replace('"', "'"),
            words(to.sites[entry.site], 100).replace('"', "'") if entry.site else "",
        ]
        for place, line in enumerate(entry.lines)
    ]
    return [*rows, ["ENDTRNS"]]


def of_sage(entry: Entry, to: Elsewhere) -> list[list[str]]:
    """An audit trail of Sage 50: journal debits and credits, all amounts above zero, outside VAT."""
    return [
        [
            "JD" if line.debit else "JC",
            "",
            to.accounts[line.account],
            to.sites[entry.site] if entry.site else "0",
            day_first(entry.on),
            entry.id[:30],
            words(entry.description, 60),
            amount(line.debit or line.credit, to),
            "T9",
            amount(Decimal(0), to),
        ]
        for line in entry.lines
    ]


_IIF = ("TRNSTYPE", "DATE", "ACCNT", "AMOUNT", "DOCNUM", "MEMO", "CLASS")
FORMS: Mapping[Software, Form] = {
    Software.XERO: Form(
        "csv",
        ((
            "*Narration", "*Date", "Description", "*AccountCode", "*TaxRate", "*Amount",
            "TrackingName1", "TrackingOption1", "TrackingName2", "TrackingOption2",
        ),),
        of_xero,
        most_lines=300,
    ),
    Software.QBO: Form(
        "csv",
        ((
            "Journal No", "Journal Date", "Account Name", "Debits", "Credits", "Description", "Name",
            "Class",
        ),),
        of_qbo,
        most_lines=1_000,
    ),
    Software.IIF: Form(
        "iif",
        (("!TRNS", *_IIF), ("!SPL", *_IIF), ("!ENDTRNS",)),
        of_iif,
        separator="\t",
        encoding="cp1252",
        mimetype="text/plain",
    ),
    Software.SAGE: Form(
        "csv",
        ((
            "Type", "Account Reference", "Nominal A/C Ref", "Department Code", "Date", "Reference",
            "Details", "Net Amount", "Tax Code", "Tax Amount",
        ),),
        of_sage,
        encoding="cp1252",
    ),
}  # fmt: skip
"""The programs that import rows; Beancount, which reads a ledger, has a module of its own."""


def without_cents(entry: Entry, exact: dict[str, Decimal], rounding: str) -> Entry:
    """An entry in whole units of a currency that has no smaller ones.

    Each account is rounded as it stands, not line by line, so that none ever strays by more than half a
    unit from ours; `exact` keeps how each stands. What an entry then lacks goes to `rounding`.
    """
    lines, rest = [], Decimal(0)
    for line in entry.lines:
        before = exact.get(line.account, Decimal(0))
        exact[line.account] = before + net(line)
        change = round(exact[line.account]) - round(before)
        rest += change
        lines.append(_line(line.account, line.name, Decimal(change)))
    lines.append(_line(rounding, "Rounding differences", -rest))
    return Entry(
        entry.id,
        entry.on,
        entry.description,
        tuple(line for line in lines if net(line)),
        entry.key,
        entry.course_id,
        entry.site,
        entry.practitioner,
    )


def _line(account: str, name: str, change: Decimal) -> Line:
    return Line(account, name, max(change, Decimal(0)), max(-change, Decimal(0)))


def table(rows: Sequence[Sequence[str]], form: Form) -> str:
    """Rows as the file has them; a tab-separated file knows no quotation marks."""
    if form.separator == "\t":
        return "".join("\t".join(row) + "\r\n" for row in rows)
    import csv
    import io

    text = io.StringIO()
    csv.writer(text, delimiter=form.separator).writerows(rows)
    return text.getvalue()
