"""Adding: what the good rows of a list become in the book, all of them or none, or the good ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.columns import Kind
from api.entries import Entry, RecipeRow
from api.outcomes import RowOutcome
from inventory import catalog, opening
from inventory.catalog import Item
from inventory.clinic import Site
from inventory.errors import Refusal
from inventory.opening import Held
from pricing import formulations
from pricing.formulations import Formulation

MOST_REFUSALS = 100
"""After so many rows that the books refuse, the rest is not tried: the file needs another look anyway."""


COLUMN = {"on": "received_on"}
"""What lists call a part of a line."""


@dataclass(frozen=True)
class Act:
    """Who brings a list where and when, and what names it on record."""

    site: Site
    at: datetime
    by: str
    reference: str


@dataclass(frozen=True)
class Added:
    """Each row's outcome, and whether what was added stays."""

    outcomes: list[RowOutcome]
    kept: bool


def add(
    db: Session,
    kind: Kind,
    entries: Sequence[Entry],
    *,
    act: Act,
    refused: bool,
    partial: bool,
    dry_run: bool,
) -> Added:
    """Add what rows say. `refused` says that other rows of the file were refused already."""
    if kind is Kind.OPENING_STOCK:
        return _bring_in(db, entries, act=act, refused=refused, partial=partial, dry_run=dry_run)
    whole = db.begin_nested()
    outcomes = _halving(db, kind, _together(kind, entries), act=act)
    kept = partial or not (refused or any(not one.ok for one in outcomes))
    if kept and not dry_run:
        whole.commit()
    else:
        whole.rollback()
        db.expire_all()
    return Added(outcomes, kept)


def _bring_in(
    db: Session, entries: Sequence[Entry], *, act: Act, refused: bool, partial: bool, dry_run: bool
) -> Added:
    """Opening stock is checked as a whole; nothing is written that would have to be undone."""
    lines: list[Held] = [entry.subject for entry in entries]
    if not dry_run:
        opening.lock(db, lines)
    checked = opening.check(db, lines, site=act.site, recorded_at=act.at)
    outcomes = []
    for place, entry in enumerate(entries):
        if refusal := checked.refusals.get(place):
            outcomes.append(_refused(entry, refusal))
        else:
            said = " ".join(filter(None, (entry.hint, checked.warnings.get(place))))
            outcomes.append(RowOutcome(entry.row, ok=True, message=said))
    kept = partial or not (refused or checked.refusals)
    if kept and not dry_run:
        good = [line for place, line in enumerate(lines) if place not in checked.refusals]
        opening.bring_in(
            db,
            good,
            site=act.site,
            recorded_at=act.at,
            by=act.by,
            reference=act.reference,
            checked=replace(checked, refusals={}),
        )
    return Added(outcomes, kept)


def _together(kind: Kind, entries: Sequence[Entry]) -> list[list[Entry]]:
    """Rows that are added together or not at all: the lines of one formulation."""
    if kind is not Kind.FORMULATIONS:
        return [[entry] for entry in entries]
    by_code = sorted(entries, key=lambda entry: entry.subject.code)
    units = [list(unit) for _, unit in groupby(by_code, key=lambda entry: entry.subject.code)]
    return sorted(units, key=lambda unit: unit[0].row)


def _halving(db: Session, kind: Kind, units: Sequence[list[Entry]], *, act: Act) -> list[RowOutcome]:
    """Add units together; where the books refuse, halve until the refused ones stand alone."""
    outcomes: list[RowOutcome] = []
    waiting, refusals = [units], 0
    while waiting:
        batch = waiting.pop()
        if not batch:
            continue
        if refusals >= MOST_REFUSALS:
            words = Refusal(f"not tried, for {MOST_REFUSALS} rows were refused before.")
            outcomes += [_refused(entry, words) for unit in batch for entry in unit]
            continue
        attempt = db.begin_nested()
        try:
            for unit in batch:
                _add(db, kind, unit, act=act)
            db.flush()
            attempt.commit()
            outcomes += [RowOutcome(entry.row, True, entry.hint) for unit in batch for entry in unit]
        except Refusal as refusal:
            attempt.rollback()
            if len(batch) == 1:
                refusals += 1
                outcomes += [_refused(entry, refusal) for entry in batch[0]]
            else:
                middle = len(batch) // 2
                waiting += [batch[middle:], batch[:middle]]
    return outcomes


def _refused(entry: Entry, refusal: Refusal) -> RowOutcome:
    """The row's outcome; its sentence does not say yet where in the file it is."""
    field = str(refusal.facts.get("field", ""))
    return RowOutcome(entry.row, ok=False, message=str(refusal), field=COLUMN.get(field, field))


def _add(db: Session, kind: Kind, unit: Sequence[Entry], *, act: Act) -> None:
    if kind is Kind.FORMULATIONS:
        _add_recipe(db, [entry.subject for entry in unit], act=act)
    elif isinstance(unit[0].subject, Item):
        catalog.add_item(db, unit[0].subject)
    else:
        db.add(unit[0].subject)


def _add_recipe(db: Session, rows: Sequence[RecipeRow], *, act: Act) -> None:
    """A formulation with its lines; one that was retired by an undo comes back with the recipe it had."""
    about: dict[str, Any] = {}
    for row in rows:
        for name, value in row.about.items():
            if value not in (None, "") and about.setdefault(name, value) != value:
                raise formulations.BadLine(
                    f"The rows of {row.code} say two things of its {name.replace('_', ' ')}: "
                    f"{about[name]} and {value}."
                )
    missing = [name for name in ("name", "area", "technique", "total_volume_ml") if name not in about]
    if missing:
        listed = ", ".join(name.replace("_", " ") for name in missing)
        raise formulations.BadLine(f"{rows[0].code} needs its {listed} on one of its rows.")
    retired = db.scalar(
        sa.select(Formulation).where(Formulation.code == rows[0].code, Formulation.active.is_(False))
    )
    lines = [row.line for row in rows]
    if retired is not None:
        formulations.revise(db, retired, lines, at=act.at, by=act.by, reason=act.reference)
        for name, value in about.items():
            setattr(retired, name, value)
        retired.active, retired.source = True, act.reference
        return
    about.setdefault("concern", "")
    new = Formulation(code=rows[0].code, source=act.reference, **about)
    formulations.add_formulation(db, new, lines, at=act.at, by=act.by, reason=act.reference)
