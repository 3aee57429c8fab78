"""Lists by pages: the next begins after the last key of this one, so the last is as fast as the first."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session

from api.schemas import Shape, Whole, Words
from inventory.errors import Invalid

MOST, USUAL = 500, 50
Key = tuple[int | str | date, ...]


class BadCursor(Invalid):
    """The cursor is not one that this list gave out."""


class PageQuery(Shape):
    """Which part of a list: how many rows at most, and after which one."""

    limit = Whole(least=1, most=MOST, in_address=True, load_default=USUAL)
    after = Words(600, load_default=None)


@dataclass(frozen=True)
class Page:
    """Some rows of a list, and the cursor of the next ones if there are any."""

    items: Sequence[Any]
    next: str | None


def rows(
    db: Session, query: sa.Select[Any], *by: Any, limit: int, after: str | None, descending: bool = False
) -> Page:
    """A page of a query in the order of the columns `by`, which together are unique and are in its rows.

    Raises BadCursor.
    """
    key = start(after, *(column.type.python_type for column in by))
    if key is not None:
        last = sa.tuple_(*(sa.literal(part, column.type) for part, column in zip(key, by, strict=True)))
        query = query.where(sa.tuple_(*by) < last if descending else sa.tuple_(*by) > last)
    order = [column.desc() if descending else column for column in by]
    found = db.execute(query.order_by(*order).limit(limit + 1)).all()
    names = [column.key for column in by]
    return cut(found, limit=limit, key=lambda row: tuple(getattr(row, name) for name in names))


def start(after: str | None, *kinds: type) -> Any:
    """The key after which a page begins, or none for the first page. Raises BadCursor."""
    return read_cursor(after, kinds) if after else None


def part(
    everything: Sequence[Any],
    *,
    limit: int,
    after: str | None,
    key: Callable[[Any], Key],
    kinds: tuple[type, ...],
) -> Page:
    """A page of what is reckoned as a whole and is already in the order of its keys. Raises BadCursor."""
    last = start(after, *kinds)
    left = everything if last is None else [row for row in everything if key(row) > last]
    return cut(left[: limit + 1], limit=limit, key=key)


def cut(found: Sequence[Any], *, limit: int, key: Callable[[Any], Key]) -> Page:
    """The first `limit` rows; one row more says that there is a next page."""
    if len(found) <= limit:
        return Page(found, None)
    return Page(found[:limit], write_cursor(key(found[limit - 1])))


def write_cursor(key: Key) -> str:
    """A key as text for the address, bound to the list that it comes from."""
    words = json.dumps([part.isoformat() if isinstance(part, date) else part for part in key])
    return base64.urlsafe_b64encode(f"{_seal(words)}{words}".encode()).decode().rstrip("=")


def read_cursor(cursor: str, kinds: tuple[type, ...]) -> Key:
    """The key in a cursor. Raises BadCursor if it was changed, or belongs to another list."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        seal, words = text[:12], text[12:]
        if seal != _seal(words):
            raise BadCursor("The cursor `after` is not one that this list gave out.")
        parts = json.loads(words)
        return tuple(
            date.fromisoformat(part) if kind is date else kind(part)
            for part, kind in zip(parts, kinds, strict=True)
        )
    except (ValueError, TypeError):
        raise BadCursor("The cursor `after` is not one that this list gave out.") from None


def _seal(words: str) -> str:
    # No secret: it only shows a cursor of another list, or of another filter, or one that was cut off.
    filters = sorted((k, v) for k, v in request.args.items(multi=True) if k not in ("after", "limit"))
    return hashlib.sha256(json.dumps([request.path, filters, words]).encode()).hexdigest()[:12]
