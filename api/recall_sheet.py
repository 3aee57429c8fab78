"""The recall report on paper: one page, and more where many received the lot; heads are repeated (S10)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api import documents
from api.web import formats
from inventory import clinic
from inventory.clinic import PlaceKind, Site
from inventory.lots import LotState
from inventory.tracing import Trace
from pricing.recalls import RecallReport

TITLES = {
    LotState.RECALLED: "Recall report",
    LotState.QUARANTINED: "Trace of a quarantined lot",
    LotState.RELEASED: "Trace of a lot",
}
KINDS = {
    PlaceKind.SHELF: "on the shelf",
    PlaceKind.OPENED: "opened",
    PlaceKind.QUARANTINE: "in quarantine",
    PlaceKind.TRANSIT: "on its way",
}

SHORT = 14  # a chart number with which two sessions fit beside each other


def pdf(db: Session, found: RecallReport, *, site: Site, by: str) -> bytes:
    """The report as a tagged PDF on the site's paper, dated in its time zone."""
    return documents.pdf("recall", data(db, found, site=site, by=by), at=found.at)


def data(db: Session, found: RecallReport, *, site: Site, by: str) -> dict[str, Any]:
    """All that is printed, ready to print."""
    lot, item, trace = found.lot, found.item, found.trace
    zones = {key: zone for key, zone in db.execute(sa.select(Site.id, Site.time_zone))}

    def much(quantity: Any) -> str:
        return formats.quantity(quantity, item.unit)

    def moment(at: datetime) -> str:
        return formats.moment(at, site.time_zone)

    title = TITLES[lot.state]
    return {
        "title": title,
        "clinic": clinic.settings(db).clinic_name,
        "paper": documents.paper(site.country),
        "lines": [f"Lot {lot.number} of {item.sku}", f"{moment(found.at)} ({site.time_zone}), {by}"],
        "foot": f"{title}: lot {lot.number} of {item.sku}, as of {moment(found.at)}",
        "facts": [
            ["Item", item.name],
            ["Maker", item.maker or "not on record"],
            ["Lot", lot.number],
            ["Expires", formats.day(lot.expires_on)],
            ["State", formats.sentence(lot.state)],
            ["Left at the clinic", much(trace.on_hand)],
            ["Sessions, patients", f"{_sessions(trace)}, {len(trace.patients)}"],
            ["Planned sessions", str(len(found.planned))],
        ],
        "steps": list(found.steps),
    } | _lists(found, zones, much, moment)


def _lists(found: RecallReport, zones: dict[int, str], much: Any, moment: Any) -> dict[str, Any]:
    """The tables of the report, row by row."""
    item, trace = found.item, found.trace
    return {
        "held": [[one.site, one.place_name, KINDS[one.kind], much(one.quantity)] for one in trace.held],
        "opened": [
            [
                str(vial.id), moment(vial.opened_at), vial.opened_by, vial.patient_ref or "shared",
                much(vial.remaining),
            ]
            for vial in trace.opened
        ],
        "sessions": [
            [
                one.patient_ref, _undone(str(one.session_id), undone=one.reversed),
                formats.moment(one.at, zones[one.site_id]), one.site, much(one.quantity),
            ]
            for one in trace.sessions
        ],
        "pairs": all(len(one.patient_ref) <= SHORT for one in trace.sessions),
        "planned": [
            [
                formats.day(one.on), one.site, one.patient_ref, f"course {one.course_id}, {one.number}",
                much(one.quantity), "yes" if one.covered else "no",
            ]
            for one in found.planned
        ],
        "receipts": [
            [
                formats.day(one.received_on), one.site, one.supplier or "not on record",
                _undone(one.document or "none", undone=one.reversed),
                formats.containers(one.containers, item.container_form), much(one.quantity),
            ]
            for one in trace.receipts
        ],
        "events": _events(trace, moment),
    }  # fmt: skip


def _sessions(trace: Trace) -> int:
    return sum(not one.reversed for one in trace.sessions)


def _undone(text: str, *, undone: bool) -> str:
    return f"{text} (reversed)" if undone else text


def _events(trace: Trace, moment: Any) -> Iterable[list[str]]:
    return [
        [moment(one.at), formats.sentence(one.state), one.by, one.reason] for one in reversed(trace.events)
    ]
