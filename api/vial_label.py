"""The label to stick on an opened vial: a QR code and what a person must read, 50 x 25 mm (S4)."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from api import documents
from inventory.clinic import Site
from inventory.vial_list import OpenedRow

MOST = 200
CODE = re.compile(r"[A-Z]{2,}-\d+ ")  # how the name of a rule of the tables begins
LONGEST_RULE = 60


def pdf(db: Session, rows: Sequence[OpenedRow], *, at: datetime, sheet: bool = False, skip: int = 0) -> bytes:
    """The labels of opened vials: one a page, or on sheets of which the first `skip` places are used."""
    assert 0 < len(rows) <= MOST, len(rows)
    first = db.get_one(Site, rows[0].site_id)
    data = {
        "sheet": sheet,
        "skip": skip if sheet else 0,
        "paper": documents.paper(first.country),
        "labels": [_label(row, db.get_one(Site, row.site_id)) for row in rows],
    }
    return documents.pdf("vial_label", data, at=at)


def short_rule(rule: str) -> str:
    """The name of a rule as a label has room for it: its code and whose it is, without its text."""
    name = rule.partition(": ")[0] if CODE.match(rule) else rule
    return name if len(name) <= LONGEST_RULE else name[: LONGEST_RULE - 1] + "…"


def initials(name: str) -> str:
    """Who opened it: `Maya Manager` is MM."""
    return "".join(word[0] for word in name.split()[:3]).upper()


def _label(row: OpenedRow, site: Site) -> dict[str, Any]:
    return {
        "code": row.label,
        "qr": documents.qr(row.label),
        "name": row.name,
        "sku": row.sku,
        "lot": row.lot_number,
        "opened": _clock(row.opened_at, site),
        "initials": initials(row.opened_by),
        "discard_by": _clock(row.discard_at, site),
        "rule": short_rule(row.discard_rule),
        "patient": row.patient_ref or "",
    }


def _clock(instant: datetime, site: Site) -> str:
    """The site's clock, with the month as a word: no reader takes day for month."""
    local = instant.astimezone(ZoneInfo(site.time_zone))
    return f"{local.day} {local:%b %Y %H:%M}"
