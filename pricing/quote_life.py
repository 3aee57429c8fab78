"""The life of a quote: issue, accept, decline, withdraw, lapse, revise; each step is an event (P4, P5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import clinic
from inventory.allocations import Promise
from inventory.clinic import Site
from inventory.database import Base, append_only, choice, one_of
from inventory.errors import Conflict, Invalid
from inventory.measures import ZERO
from pricing import courses, quote_records, quotes
from pricing.courses import Course, Planned
from pricing.price_list import PractitionerLevel
from pricing.quote_records import Quote, QuoteState, QuoteStatus
from pricing.quotes import Request


class QuoteEvent(Base):
    """One step in a quote's life: what it became, who did it, when, why."""

    __tablename__ = "quote_events"
    __table_args__ = (one_of("status", QuoteStatus), sa.Index(None, "quote_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    quote_id: Mapped[int] = mapped_column(sa.ForeignKey("quotes.id"))
    status: Mapped[QuoteStatus] = mapped_column(choice(QuoteStatus))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    reason: Mapped[str] = mapped_column(sa.String(500))


append_only(QuoteEvent)


class NumberSeries(Base):
    """The last number given in a series and year; the row is locked while one is given (P4)."""

    __tablename__ = "number_series"

    series: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


@dataclass(frozen=True)
class Drift:
    """What the rest of a course would cost now against what it cost when it was quoted (P4)."""

    then: Decimal
    now: Decimal

    @property
    def difference(self) -> Decimal:
        """Above zero: the course has become dearer."""
        return self.now - self.then


class WrongStatus(Conflict):
    """The quote's status does not allow this step."""


class AllergenBlocks(Conflict):
    """An allergen match blocks issuing until a practitioner overrides it with a reason (T6)."""


class QuoteLapsed(Conflict):
    """The quote's validity is over; a manager may accept it with a reason (P4)."""


class ReasonMissing(Invalid):
    """This step needs a reason."""


ISSUABLE = frozenset({QuoteStatus.DRAFT})
OPEN = frozenset({QuoteStatus.DRAFT, QuoteStatus.ISSUED})
OFFERED = frozenset({QuoteStatus.ISSUED, QuoteStatus.LAPSED})


def issue(
    db: Session, subject: Quote, *, site: Site, at: datetime, by: str, override: str = ""
) -> QuoteState:
    """Number and freeze a draft; an older version that was issued is withdrawn (P4).

    `override` is a practitioner's reason to issue in spite of an allergen match. Raises WrongStatus,
    AllergenBlocks.
    """
    state = _locked(db, subject, ISSUABLE, "issued")
    blocking = [warning["message"] for warning in subject.warnings if warning["blocks"]]
    if blocking and not override.strip():
        raise AllergenBlocks(" ".join(blocking))
    on = site.day(at)
    state.number = _number_of_root(db, subject) or next_number(db, "quote", on.year)
    state.issued_on = on
    state.valid_until = on + timedelta(days=clinic.settings(db).validity_days)
    for older in _other_versions(db, subject):
        if older.status is QuoteStatus.ISSUED:
            _become(
                db, older, QuoteStatus.WITHDRAWN, at=at, by=by, reason=f"version {subject.version} was issued"
            )
    _become(db, state, QuoteStatus.ISSUED, at=at, by=by, reason=override.strip())
    return state


def accept(
    db: Session, subject: Quote, *, site: Site, at: datetime, by: str, late_reason: str = ""
) -> Course:
    """Accept an issued quote: its course starts, its sessions are planned, its stock is promised (P5).

    Raises WrongStatus; QuoteLapsed after `valid_until` unless a manager gives `late_reason` (P4).
    """
    state = _locked(db, subject, OFFERED, "accepted")
    on = site.day(at)
    if (on > state.valid_until or state.status is QuoteStatus.LAPSED) and not late_reason.strip():
        raise QuoteLapsed(
            f"Quote {state.number} was valid until {state.valid_until}; "
            "a manager may accept it with a reason."
        )
    _become(db, state, QuoteStatus.ACCEPTED, at=at, by=by, reason=late_reason.strip())
    return courses.start(
        db,
        Course(
            quote_id=subject.id,
            site_id=subject.site_id,
            patient_ref=subject.patient_ref,
            formulation_version_id=subject.formulation_version_id,
            level=db.get_one(PractitionerLevel, subject.level_id).code,
            accepted_at=at,
            accepted_by=by,
            late_reason=late_reason.strip(),
        ),
        _planned(db, subject),
        at=at,
    )


def decline(db: Session, subject: Quote, *, at: datetime, by: str, reason: str = "") -> QuoteState:
    """The patient said no to an issued quote."""
    state = _locked(db, subject, OFFERED, "declined")
    return _become(db, state, QuoteStatus.DECLINED, at=at, by=by, reason=reason)


def withdraw(db: Session, subject: Quote, *, at: datetime, by: str, reason: str) -> QuoteState:
    """The clinic takes a quote back. Raises ReasonMissing for an issued one without a reason."""
    state = _locked(db, subject, OPEN, "withdrawn")
    if state.status is QuoteStatus.ISSUED and not reason.strip():
        raise ReasonMissing("Withdrawing an issued quote needs a reason.")
    return _become(db, state, QuoteStatus.WITHDRAWN, at=at, by=by, reason=reason)


def revise(db: Session, subject: Quote, request: Request, *, site: Site, at: datetime, by: str) -> Quote:
    """A new version beside the old, as a draft; the old stands until the new one is issued (P4)."""
    _locked(db, subject, OPEN | OFFERED, "revised")
    root_id = subject.root_id or subject.id
    newest = db.scalar(
        sa.select(sa.func.max(Quote.version)).where(sa.or_(Quote.id == root_id, Quote.root_id == root_id))
    )
    made = quotes.offer(db, request, site=site, on=site.day(at))
    return quotes.write(
        db, request, made, site=site, at=at, by=by, root_id=root_id, version=(newest or 1) + 1
    )


def lapse_due(db: Session, *, on: date, at: datetime, by: str) -> int:
    """Lapse the issued quotes whose validity is over; touches no others (P4). Answers how many."""
    due = db.scalars(
        sa.select(QuoteState).where(QuoteState.status == QuoteStatus.ISSUED, QuoteState.valid_until < on)
    ).all()
    for state in due:
        _become(db, state, QuoteStatus.LAPSED, at=at, by=by, reason=f"valid until {state.valid_until}")
    return len(due)


def status_on(state: QuoteState, on: date) -> QuoteStatus:
    """The status as it is on a day, whether or not the nightly job has run."""
    if state.status is QuoteStatus.ISSUED and on > state.valid_until:
        return QuoteStatus.LAPSED
    return state.status


def events(db: Session, subject: Quote) -> Sequence[QuoteEvent]:
    """What became of a quote, step by step."""
    return db.scalars(
        sa.select(QuoteEvent).where(QuoteEvent.quote_id == subject.id).order_by(QuoteEvent.id)
    ).all()


def drift(db: Session, subject: Quote, *, site: Site, on: date) -> Drift:
    """What the quoted course would cost if it were drafted today, against what it cost then (P4)."""
    now = quotes.course_cost(db, subject, site=site)
    return Drift(then=subject.cost, now=sum((one.actual for one in now.sessions), ZERO))


def next_number(db: Session, series: str, year: int) -> str:
    """The next number of a series, without gaps: a refused transaction gives its number back (P4)."""
    row = db.scalar(
        sa.select(NumberSeries)
        .where(NumberSeries.series == series, NumberSeries.year == year)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        row = NumberSeries(series=series, year=year, last=0)
        db.add(row)
    row.last += 1
    db.flush()
    return f"{series[0].upper()}-{year}-{row.last:05}"


def _planned(db: Session, subject: Quote) -> list[Planned]:
    needed: dict[int, list[Promise]] = {}
    offered = quote_records.sessions_of(db, subject)
    days = {session.number: session.on for session in offered}
    for line in quote_records.lines_of(db, subject):
        stock = line.quantity + line.discarded
        if line.item_id is not None and stock:
            needed.setdefault(line.session, []).append(Promise(line.item_id, days[line.session], stock))
    return [
        Planned(one.number, one.on, one.price, one.actual, tuple(needed.get(one.number, ())))
        for one in offered
    ]


def _locked(db: Session, subject: Quote, allowed: frozenset[QuoteStatus], verb: str) -> QuoteState:
    """The quote's state, locked so that of two people who act at once one is refused."""
    state = db.scalars(
        sa.select(QuoteState)
        .where(QuoteState.quote_id == subject.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if state.status not in allowed:
        name = state.number or f"draft {subject.id}"
        raise WrongStatus(f"Quote {name} is {state.status}; it cannot be {verb}.")
    return state


def _become(
    db: Session, state: QuoteState, status: QuoteStatus, *, at: datetime, by: str, reason: str
) -> QuoteState:
    state.status = status
    db.add(QuoteEvent(quote_id=state.quote_id, status=status, at=at, by=by, reason=reason))
    db.flush()
    return state


def _other_versions(db: Session, subject: Quote) -> Sequence[QuoteState]:
    root_id = subject.root_id or subject.id
    return db.scalars(
        sa.select(QuoteState)
        .join(Quote, Quote.id == QuoteState.quote_id)
        .where(sa.or_(Quote.id == root_id, Quote.root_id == root_id), Quote.id != subject.id)
        .order_by(Quote.version)
    ).all()


def _number_of_root(db: Session, subject: Quote) -> str | None:
    return next((one.number for one in _other_versions(db, subject) if one.number is not None), None)
