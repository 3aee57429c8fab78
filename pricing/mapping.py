"""Mapping: what other software calls the accounts of our chart, and our sites (B6)."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory.clinic import Site
from inventory.database import Base, append_only, choice, one_of
from inventory.errors import Conflict, Invalid, NotFound
from pricing.chart import Account, AccountKind

LONGEST = 120
SHORT = 31  # signs of each level of an account that QuickBooks Desktop keeps


class Software(StrEnum):
    """Who else keeps books that our journal is read into; `books` are our own."""

    BOOKS = "books"
    XERO = "xero"
    QBO = "qbo"
    IIF = "iif"
    SAGE = "sage"
    BEANCOUNT = "beancount"

    @property
    def spoken(self) -> str:
        """What people call it."""
        return SPOKEN[self]


SPOKEN = {
    Software.BOOKS: "our books",
    Software.XERO: "Xero",
    Software.QBO: "QuickBooks Online",
    Software.IIF: "QuickBooks Desktop",
    Software.SAGE: "Sage 50",
    Software.BEANCOUNT: "Beancount",
}
TARGETS = tuple(software for software in Software if software is not Software.BOOKS)


class Subject(StrEnum):
    """What has a name elsewhere."""

    ACCOUNT = "account"
    SITE = "site"


class NameElsewhere(Base):
    """What one account or site is called somewhere, from a moment on; the latest counts, empty is nothing."""

    __tablename__ = "names_elsewhere"
    __table_args__ = (
        one_of("software", Software),
        one_of("subject", Subject),
        sa.Index(None, "software", "subject", "code", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    software: Mapped[Software] = mapped_column(choice(Software))
    subject: Mapped[Subject] = mapped_column(choice(Subject))
    code: Mapped[str] = mapped_column(sa.String(20))  # of the account or the site
    name: Mapped[str] = mapped_column(sa.String(LONGEST))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))


append_only(NameElsewhere)


class UnknownAccount(NotFound):
    """No account of the chart has this code."""


class BadAccountName(Invalid):
    """The other software could not take this for one of its accounts."""


class AccountsNotMapped(Conflict):
    """Accounts have no name in the other software, or share one: nothing is written for it."""


@dataclass(frozen=True)
class _Form:
    """How a software writes its accounts and its departments."""

    account: re.Pattern[str]
    account_words: str
    site: re.Pattern[str]
    site_words: str


_LEVEL = r"[\w(&][\w &()/.,'%-]*"
_NAME = re.compile(rf"{_LEVEL}(:{_LEVEL})*")
_NAMED = "its name, letters, figures and ordinary signs, a colon before a sub-account"
_SHORT = rf"[\w(&][\w &()/.,'%-]{{0,{SHORT - 1}}}"
_SHORT_NAME = re.compile(rf"{_SHORT}(:{_SHORT})*")
_CLASS = re.compile(r"[\w(&][\w &()/.,'%:-]*")
_CLASSED = "letters, figures and ordinary signs"
ROOTS = ("Assets", "Liabilities", "Equity", "Income", "Expenses")
_ANY = _Form(_CLASS, _CLASSED, _CLASS, _CLASSED)
FORMS = {
    Software.BOOKS: _ANY,
    Software.XERO: _Form(
        re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,9}"),
        "its code, at most 10 letters and figures", _CLASS, _CLASSED,
    ),
    Software.QBO: _Form(_NAME, _NAMED, _CLASS, _CLASSED),
    Software.IIF: _Form(_SHORT_NAME, f"{_NAMED}, at most {SHORT} signs each", _CLASS, _CLASSED),
    Software.SAGE: _Form(
        re.compile("[0-9]{1,8}"), "a nominal code of 1 to 8 figures",
        re.compile("[0-9]{1,3}"), "the number of a department",
    ),
    Software.BEANCOUNT: _Form(
        re.compile(rf"({'|'.join(ROOTS)})(:[A-Z0-9][A-Za-z0-9-]*)+"),
        f"one of {', '.join(ROOTS)}, then parts after colons that begin with a capital or a figure",
        _CLASS, _CLASSED,
    ),
}  # fmt: skip

_ROOT_OF = {
    AccountKind.ASSET: "Assets",
    AccountKind.CONTRA_ASSET: "Assets",
    AccountKind.LIABILITY: "Liabilities",
    AccountKind.EQUITY: "Equity",
    AccountKind.REVENUE: "Income",
    AccountKind.CONTRA_REVENUE: "Income",
    AccountKind.COST_OF_SALES: "Expenses",
    AccountKind.EXPENSE: "Expenses",
}


def accounts(db: Session) -> tuple[Account, ...]:
    """The chart of accounts, by code."""
    return tuple(db.scalars(sa.select(Account).order_by(Account.code)))


def account_names(db: Session, software: Software) -> dict[str, str]:
    """What each account of the chart is called there, by our code; empty where it has no place there."""
    chosen = _chosen(db, software, Subject.ACCOUNT)
    return {one.code: chosen.get(one.code, usual(one, software)) for one in accounts(db)}


def site_names(db: Session, software: Software) -> dict[str, str]:
    """What each site is called there, by its code: a class, a tracking option, a department."""
    chosen = _chosen(db, software, Subject.SITE)
    rows = db.execute(sa.select(Site.code, Site.name).order_by(Site.code))
    return {code: chosen.get(code, "0" if software is Software.SAGE else name) for code, name in rows}


def version(db: Session, software: Software) -> int:
    """A number that changes whenever a name there does."""
    latest = sa.select(sa.func.max(NameElsewhere.id)).where(NameElsewhere.software == software)
    return db.scalar(latest) or 0


def usual(account: Account, software: Software) -> str:
    """What an account is called where the clinic chose nothing: our code or our name, as is asked there."""
    if software in (Software.XERO, Software.SAGE):
        return account.code
    if software is Software.BEANCOUNT:
        words = "-".join(re.findall("[A-Za-z0-9]+", account.name))
        return f"{_ROOT_OF[account.kind]}:{account.code}" + (f"-{words}" if words else "")
    return account.name[:SHORT].rstrip(" -&,(") if software is Software.IIF else account.name


def rename(
    db: Session,
    software: Software,
    names: Mapping[str, str],
    *,
    subject: Subject = Subject.ACCOUNT,
    at: datetime,
    by: str,
) -> int:
    """Set what accounts or sites are called there, those that differ; answers how many did.

    An empty name says that it has no place there. Raises UnknownAccount, BadAccountName, and
    AccountsNotMapped where two accounts would share a name.
    """
    known = (account_names if subject is Subject.ACCOUNT else site_names)(db, software)
    changed = {}
    for code, name in names.items():
        if code not in known:
            raise UnknownAccount(f"There is no {subject.value} with the code {code}.")
        name = " ".join(name.split())
        if name != known[code]:
            _check(software, subject, code, name)
            changed[code] = name
    if subject is Subject.ACCOUNT and software is not Software.BOOKS:
        _refuse(software, _twice(known | changed))
    db.add_all(
        NameElsewhere(software=software, subject=subject, code=code, name=name, at=at, by=by)
        for code, name in changed.items()
    )
    if subject is Subject.ACCOUNT and software is Software.BOOKS:
        for account in accounts(db):
            account.name = changed.get(account.code, account.name)
    db.flush()
    return len(changed)


def check(db: Session, software: Software, *, used: Collection[str]) -> dict[str, str]:
    """The names of the accounts, when each that is `used` has one and no two share it.

    Raises AccountsNotMapped, which names every account that is wrong: before anything is written.
    """
    names = account_names(db, software)
    ours = {one.code: one.name for one in accounts(db)}
    wrong = [
        f"{code} {ours[code]}" if code in ours else f"{code}, which the chart does not have"
        for code in sorted(used)
        if not names.get(code)
    ]
    _refuse(software, [f"{one} has no account" for one in wrong] + _twice(names))
    return names


def _twice(names: Mapping[str, str]) -> list[str]:
    """What is said of accounts that would be one there; the case of letters tells none apart."""
    sharing: dict[str, list[str]] = defaultdict(list)
    for code, name in sorted(names.items()):
        if name:
            sharing[name.casefold()].append(code)
    return [
        f"{' and '.join(codes)} are both {names[codes[0]]}" for codes in sharing.values() if len(codes) > 1
    ]


def _refuse(software: Software, wrong: list[str]) -> None:
    if wrong:
        raise AccountsNotMapped(f"In {software.spoken} {'; '.join(wrong)}. Give each account its own there.")


def _check(software: Software, subject: Subject, code: str, name: str) -> None:
    form = FORMS[software]
    pattern, words = (
        (form.account, form.account_words) if subject is Subject.ACCOUNT else (form.site, form.site_words)
    )
    nameless = not name and software is Software.BOOKS
    if nameless or (name and not (pattern.fullmatch(name) and len(name) <= LONGEST)):
        raise BadAccountName(
            f"{code} cannot be {name[:40]!r} in {software.spoken}: it takes {words}, {LONGEST} in all."
        )


def _chosen(db: Session, software: Software, subject: Subject) -> dict[str, str]:
    latest = (
        sa.select(sa.func.max(NameElsewhere.id))
        .where(NameElsewhere.software == software, NameElsewhere.subject == subject)
        .group_by(NameElsewhere.code)
    )
    rows = sa.select(NameElsewhere.code, NameElsewhere.name).where(NameElsewhere.id.in_(latest))
    return {code: name for code, name in db.execute(rows)}
