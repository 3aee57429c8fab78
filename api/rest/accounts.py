"""JSON: the chart of accounts, and what other software calls each account (B6)."""

from dataclasses import dataclass
from typing import Any

from flask import g
from marshmallow import fields

from api import conditions, paging
from api.paging import PageQuery
from api.rest.calls import listed, noun, page_of, tagged
from api.schemas import Shape, Words
from pricing import mapping
from pricing.mapping import TARGETS, Account, Software, UnknownAccount

blueprint = noun("accounts", "The chart of accounts")


@dataclass(frozen=True)
class Named:
    """An account with what it is called everywhere."""

    code: str
    name: str
    kind: str
    statement: str
    xero: str
    qbo: str
    iif: str
    sage: str
    beancount: str

    @property
    def tag(self) -> str:
        """Changes whenever a name does."""
        return conditions.tag("account", *vars(self).values())


class AccountShape(Shape):
    """An account of our chart; empty where other software has no place for it."""

    code = fields.String()
    name = fields.String()
    kind = fields.String()
    statement = fields.String()
    xero = fields.String()
    qbo = fields.String()
    iif = fields.String()
    sage = fields.String()
    beancount = fields.String()


class AccountChange(Shape):
    """Other names: our own, and those of other software; an empty one says that it has no place there."""

    name = Words(mapping.LONGEST)
    xero = Words(mapping.LONGEST, shortest=0)
    qbo = Words(mapping.LONGEST, shortest=0)
    iif = Words(mapping.LONGEST, shortest=0)
    sage = Words(mapping.LONGEST, shortest=0)
    beancount = Words(mapping.LONGEST, shortest=0)


@blueprint.get("/accounts")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(AccountShape))
def list_accounts(query: dict[str, Any]) -> Any:
    """List the chart of accounts, by code."""
    return listed(
        paging.part(
            _named(), limit=query["limit"], after=query["after"], key=lambda one: (one.code,), kinds=(str,)
        )
    )


@blueprint.get("/accounts/<code:code>")
@blueprint.response(200, AccountShape)
def get_account(code: str) -> Any:
    """Show one account."""
    found = _one(code)
    return tagged(found, found.tag)


@blueprint.patch("/accounts/<code:code>")
@blueprint.arguments(AccountChange)
@blueprint.response(200, AccountShape)
def change_account(body: dict[str, Any], code: str) -> Any:
    """Rename an account that was read before (`If-Match`), here or in other software."""
    conditions.require_match(_one(code).tag)
    for where, name in body.items():
        software = Software.BOOKS if where == "name" else Software(where)
        mapping.rename(g.db, software, {code: name}, at=g.now, by=g.caller.name)
    found = _one(code)
    return tagged(found, found.tag)


def _named() -> list[Named]:
    elsewhere = {software: mapping.account_names(g.db, software) for software in TARGETS}
    return [_of(account, elsewhere) for account in mapping.accounts(g.db)]


def _of(account: Account, elsewhere: dict[Software, dict[str, str]]) -> Named:
    names = {software.value: names[account.code] for software, names in elsewhere.items()}
    return Named(account.code, account.name, account.kind.value, account.statement.value, **names)


def _one(code: str) -> Named:
    for found in _named():
        if found.code == code:
            return found
    raise UnknownAccount(f"There is no account with the code {code}.")
