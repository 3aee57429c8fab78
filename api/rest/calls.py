"""What every call is made of: its blueprint, its list, its tagged answer."""

from typing import Any
from urllib.parse import quote

from flask import request
from flask_smorest import Blueprint
from marshmallow import fields
from werkzeug.http import quote_etag

from api import where
from api.bodies import PARSER
from api.openapi import BASE
from api.paging import Page
from api.schemas import Shape
from inventory.clinic import Site

Headers = dict[str, str]


def noun(name: str, description: str) -> Blueprint:
    """A chapter of calls; its bodies and addresses are read strictly."""
    blueprint = Blueprint(name, name, url_prefix=BASE, description=description)
    blueprint.ARGUMENTS_PARSER = PARSER
    return blueprint


def page_of(shape: type[Shape]) -> type[Shape]:
    """The shape of a page of a list."""
    parts: dict[str, Any] = {
        "items": fields.List(fields.Nested(shape), required=True),
        "next": fields.String(
            required=True, allow_none=True, metadata={"description": "The next page's `after`"}
        ),
    }
    return Shape.from_dict(parts, name=f"{shape.__name__}Page")  # type: ignore[return-value]


def listed(page: Page) -> tuple[Page, Headers]:
    """A page, with the address of the next one in its headers."""
    if page.next is None:
        return page, {}
    arguments = request.args.to_dict() | {"after": page.next}
    address = request.path + "?" + "&".join(f"{k}={_escaped(v)}" for k, v in arguments.items())
    return page, {"Link": f'<{address}>; rel="next"'}


def _escaped(text: str) -> str:
    return quote(text, safe="")


def tagged(answer: Any, tag: str) -> tuple[Any, Headers]:
    """An answer that can be edited, with the tag of its version."""
    return answer, {"ETag": quote_etag(tag)}


def made(answer: Any, address: str) -> tuple[Any, Headers]:
    """An answer about something new, with its address."""
    return answer, {"Location": f"{BASE}{address}"}


def site_or_first(code: str | None) -> Site:
    """The site of a code; where none is named, the caller's first. Raises UnknownSite, NotYourSite."""
    return where.first() if code is None else where.named(code)
