"""Pages: files of the journal for other software, and what that software calls our accounts (B6)."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, g, request

from api.schemas import EARLIEST, LATEST, Shape, Whole, Words
from api.web import books, forms, frame
from api.web.books import Span
from api.web.forms import Change, Done, Form, Stale
from inventory.clinic import Site
from inventory.errors import NotFound, Refusal
from pricing import accounting, mapping
from pricing.accounting import AccountTotal
from pricing.mapping import TARGETS, Account, Software, Subject

blueprint = frame.chapter("account_pages")

KINDS = {
    Software.XERO: "Manual journals as csv: dates day first, at most 300 lines a file",
    Software.QBO: "Journal entries as csv: dates month first, at most 1,000 lines a file",
    Software.IIF: "General journal as iif",
    Software.SAGE: "Audit trail as csv: journal debits and credits outside VAT, dates day first",
    Software.BEANCOUNT: "A ledger with its stock by lot, for Beancount 3",
}
ABOUT = {
    Software.BOOKS: "What you call each account here. Programs that know accounts by name get these names.",
    Software.XERO: "The code of each account. Set up the tracking categories Clinic and Practitioner there.",
    Software.QBO: "The name of each account; a colon before a sub-account. The site becomes the class.",
    Software.IIF: "The name of each account; a colon before a sub-account. The site becomes the class.",
    Software.SAGE: "The nominal code of each account. The site becomes the department, by its number.",
    Software.BEANCOUNT: "The name of each account, beginning with Assets, Liabilities, Equity, Income or "
    "Expenses.",
}
LEFT_EMPTY = " Leave one empty that has no place there; a file that needs it is refused, and says so."


class NoSuchSoftware(NotFound):
    """No file is made for a program of this name."""


@dataclass(frozen=True)
class Target:
    """A program, what its file is, and what stands in the way of writing it."""

    software: Software
    words: str
    problem: str


@blueprint.get("/books/files")
def files() -> Response:
    """The journal for other software: what each gets, and whether every account has a name there."""
    span = books.asked()
    since, until = _days(span)
    problem, targets = "", []
    try:
        balances = accounting.trial_balance(g.db, since=since, until=until)
        targets = [Target(one, KINDS[one], _in_the_way(one, balances)) for one in TARGETS]
    except Refusal as refusal:
        problem = str(refusal)
    return books.show(
        "books_files.html", span, since=since, until=until, targets=targets, problem=problem
    )  # fmt: skip


@blueprint.get("/books/files/journal")
def download() -> Response:
    """One file of the journal."""
    from api import journal_download

    since, until = _days(books.asked())
    return journal_download.answer(
        g.db, software=_software(request.args.get("format", "")), since=since, until=until
    )


@blueprint.route("/books/files/accounts/<code:name>", methods=["GET", "POST"])
def accounts(name: str) -> Response:
    """What a program calls our accounts and sites; all on one form, changed together or not at all."""
    software = _software(name, ours=True)
    chart = mapping.accounts(g.db)
    here = mapping.account_names(g.db, software)
    sites = {} if software is Software.BOOKS else mapping.site_names(g.db, software)

    def show(form: Form) -> Response:
        return books.show(
            "books_accounts.html",
            books.asked(),
            form=form,
            software=software,
            about=ABOUT[software] + ("" if software is Software.BOOKS else LEFT_EMPTY),
            all_software=Software,
            groups=_by_statement(chart),
            sites=sites,
            site_names={one.code: one.name for one in g.db.query(Site)},
        )

    def do(body: dict[str, Any]) -> Done:
        version = mapping.version(g.db, software)
        if body.pop("version") != version:
            mine = forms.typed()
            raise Stale(
                tuple(
                    Change(f"{one.code} {one.name}", here[one.code], mine[f"account-{one.code}"])
                    for one in chart
                    if mine.get(f"account-{one.code}", "").strip() != here[one.code]
                ),
                version=version,
            )
        when = {"at": g.now, "by": g.caller.name}
        chosen = {one.code: body.get(f"account-{one.code}", "") for one in chart}
        count = mapping.rename(g.db, software, chosen, **when)
        if sites:
            chosen = {code: body.get(f"site-{code}", "") for code in sites}
            count += mapping.rename(g.db, software, chosen, subject=Subject.SITE, **when)
        words = "one name is" if count == 1 else f"{count or 'no'} names are"
        where = f"{software.spoken[:1].upper()}{software.spoken[1:]}"
        return Done(f"/books/files/accounts/{software}", f"{where}: {words} changed.")

    fields: dict[str, Any] = {f"account-{one.code}": Words(mapping.LONGEST, shortest=0) for one in chart}
    fields |= {f"site-{code}": Words(mapping.LONGEST, shortest=0) for code in sites}
    fields["version"] = Whole(most=10**17, in_address=True, required=True)
    shape: Any = Shape.from_dict(fields, name="AccountNames")
    first = {f"account-{code}": text for code, text in here.items()}
    first |= {f"site-{code}": text for code, text in sites.items()}
    first["version"] = str(mapping.version(g.db, software))
    return forms.handle(shape, show=show, do=do, first=first)


def _by_statement(chart: tuple[Account, ...]) -> list[tuple[str, list[Account]]]:
    found: dict[str, list[Account]] = {}
    for account in chart:
        found.setdefault(account.statement.value, []).append(account)
    return list(found.items())


def _software(name: str, *, ours: bool = False) -> Software:
    if name not in (set(Software) if ours else TARGETS):
        raise NoSuchSoftware(f"No file is written for {name[:20]!r}.")
    return Software(name)


def _days(span: Span) -> tuple[date, date]:
    return _day("from", span.first), _day("to", span.until)


def _day(name: str, otherwise: date) -> date:
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return otherwise
    return day if EARLIEST <= day <= LATEST else otherwise


def _in_the_way(software: Software, balances: tuple[AccountTotal, ...]) -> str:
    """Why no file can be written; nothing if one can."""
    whole = software is Software.BEANCOUNT  # it opens with every balance
    used = {one.account for one in balances if whole or one.debit or one.credit}
    try:
        mapping.check(g.db, software, used=used)
    except Refusal as refusal:
        return str(refusal)
    return ""
