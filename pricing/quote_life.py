"""The life of a quote: issue, accept, decline, withdraw, lapse, revise; each step is an event (P4, P5)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from inventory import clinic
from inventory.clinic import Site
from inventory.database import Base, append_only, choice, one_of
from inventory.errors import Conflict, Invalid
from pricing import courses, numbering, policies, quote_records, quotes
from pricing.courses import AnotherPatient, Course
from pricing.price_list import PractitionerLevel
from pricing.quote_records import Quote, QuoteOverride, QuoteState, QuoteStatus
from pricing.quotes import Request


class LostReason(StrEnum):
    """Why a quote came to nothing, as the conversion report counts it."""

    PRICE = "price"
    TIMING = "timing"
    ELSEWHERE = "elsewhere"
    AFRAID = "afraid"
    MEDICAL = "medical"
    NO_ANSWER = "no_answer"
    MISTAKE = "mistake"
    OTHER = "other"


class QuoteEvent(Base):
    """One step in a quote's life: what it became, who did it, when, why."""

    __tablename__ = "quote_events"
    __table_args__ = (
        one_of("status", QuoteStatus),
        one_of("lost", LostReason),
        sa.Index(None, "quote_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    quote_id: Mapped[int] = mapped_column(sa.ForeignKey("quotes.id"))
    status: Mapped[QuoteStatus] = mapped_column(choice(QuoteStatus))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(80))
    reason: Mapped[str] = mapped_column(sa.String(500))
    lost: Mapped[LostReason | None] = mapped_column(choice(LostReason))  # of declined and withdrawn ones


append_only(QuoteEvent)


class WrongStatus(Conflict):
    """The quote's status does not allow this step."""


class Superseded(Conflict):
    """Another version of the quote was accepted, or a newer one was issued."""


class AllergenBlocks(Conflict):
    """An allergen match blocks issuing until a practitioner overrides it with a reason (T6)."""


class QuoteLapsed(Conflict):
    """The quote's validity is over; a manager may accept it with a reason (P4)."""


class PartOfAQuote(Conflict):
    """One treatment of a quote cannot take a step without the others."""


class ReasonMissing(Invalid):
    """This step needs a reason."""


ISSUABLE = frozenset({QuoteStatus.DRAFT})
OPEN = frozenset({QuoteStatus.DRAFT, QuoteStatus.ISSUED})
OFFERED = frozenset({QuoteStatus.ISSUED, QuoteStatus.LAPSED})


def issue(
    db: Session,
    subject: Quote,
    *,
    site: Site,
    at: datetime,
    by: str,
    override: str = "",
    overrides: Mapping[str, str] | None = None,
) -> QuoteState:
    """Number and freeze a draft; the version that was offered until now is withdrawn (P4).

    `overrides` are a practitioner's reasons to issue in spite of an allergen match, by the allergy as the
    patient named it; `override` is the reason for those that are not among them. Each is kept (T6).
    Raises WrongStatus, Superseded, AllergenBlocks, PartOfAQuote.
    """
    state = _locked(db, subject, ISSUABLE, "issued")
    _refuse_superseded(db, subject)
    _let_pass(db, subject, {"": override, **(overrides or {})}, at=at, by=by)
    on = site.day(at)
    state.number = _number_of_root(db, subject) or numbering.next_number(db, "quote", on.year)
    state.issued_on = on
    state.valid_until = on + timedelta(days=clinic.settings(db).validity_days)
    for older in _other_versions(db, subject):
        if older.status in OFFERED:
            _become(
                db, older, QuoteStatus.WITHDRAWN, at=at, by=by, reason=f"version {subject.version} was issued"
            )
    _become(db, state, QuoteStatus.ISSUED, at=at, by=by, reason=override.strip())
    return state


def accept(
    db: Session, subject: Quote, *, site: Site, at: datetime, by: str, late_reason: str = ""
) -> Course:
    """Accept an issued quote: a course starts for each of its treatments, the sessions are planned, their
    stock is promised (P5). Answers the leading treatment's course.

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
    late = late_reason.strip()
    treatments = quote_records.treatments_of(db, subject)
    started = [_start(db, one, on=on, at=at, by=by, late_reason=late) for one in treatments]
    return started[0]


def _start(db: Session, subject: Quote, *, on: date, at: datetime, by: str, late_reason: str) -> Course:
    settings = clinic.settings(db)
    terms = policies.policy(db, settings.cancellation_policy)
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
            late_reason=late_reason,
            policy_code=terms.code,
            breakage_rate=settings.expected_breakage_rate,
            expires_on=policies.expires_on(terms, on),
        ),
        quotes.planned(db, subject),
        at=at,
    )


def decline(
    db: Session,
    subject: Quote,
    *,
    at: datetime,
    by: str,
    reason: str = "",
    lost: LostReason | None = None,
) -> QuoteState:
    """The patient said no to an issued quote. Raises ReasonMissing where another reason is not told."""
    state = _locked(db, subject, OFFERED, "declined")
    _check_lost(lost, reason)
    return _become(db, state, QuoteStatus.DECLINED, at=at, by=by, reason=reason, lost=lost)


def withdraw(
    db: Session, subject: Quote, *, at: datetime, by: str, reason: str, lost: LostReason | None = None
) -> QuoteState:
    """The clinic takes a quote back. Raises ReasonMissing for an issued one without a reason."""
    state = _locked(db, subject, OPEN, "withdrawn")
    if state.status is QuoteStatus.ISSUED and not reason.strip():
        raise ReasonMissing("Withdrawing an issued quote needs a reason.")
    _check_lost(lost, reason)
    return _become(db, state, QuoteStatus.WITHDRAWN, at=at, by=by, reason=reason, lost=lost)


def revise(db: Session, subject: Quote, request: Request, *, site: Site, at: datetime, by: str) -> Quote:
    """A new version beside the old, as a draft; the old stands until the new one is issued (P4).

    Raises WrongStatus, courses.AnotherPatient, and all that `quotes.offer` refuses.
    """
    state = _locked(db, subject, OPEN | OFFERED, "revised")
    if request.patient_ref != subject.patient_ref:
        raise AnotherPatient(
            f"{_name(subject, state)} is for patient {subject.patient_ref}, not {request.patient_ref}."
        )
    newest = db.scalar(sa.select(sa.func.max(Quote.version)).where(_of_root(subject)))
    made = quotes.offers(db, request, site=site, on=site.day(at))
    return quotes.write(
        db,
        request,
        made,
        site=site,
        at=at,
        by=by,
        root_id=subject.root_id or subject.id,
        version=(newest or 1) + 1,
    )


def lapse_due(db: Session, *, on: date, at: datetime, by: str, site: Site | None = None) -> int:
    """Lapse the issued quotes whose validity is over, of one site or of all; touches no others (P4).

    Answers how many. One that is being accepted meanwhile is waited for and left alone.
    """
    statement = sa.select(QuoteState).where(
        QuoteState.status == QuoteStatus.ISSUED, QuoteState.valid_until < on
    )
    if site is not None:
        statement = statement.where(
            QuoteState.quote_id.in_(sa.select(Quote.id).where(Quote.site_id == site.id))
        )
    due = db.scalars(
        statement.order_by(QuoteState.quote_id).with_for_update().execution_options(populate_existing=True)
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
        sa.select(QuoteEvent)
        .where(QuoteEvent.quote_id == (subject.part_of or subject.id))
        .order_by(QuoteEvent.id)
    ).all()


def _locked(db: Session, subject: Quote, allowed: frozenset[QuoteStatus], verb: str) -> QuoteState:
    """The quote's state, locked with those of its other versions, so that of two who act at once one is
    refused.
    """
    if subject.part_of is not None:
        raise PartOfAQuote(
            f"Treatment {subject.id} is part of quote {subject.part_of}; the quote is {verb} as a whole."
        )
    states = db.scalars(
        sa.select(QuoteState)
        .where(QuoteState.quote_id.in_(sa.select(Quote.id).where(_of_root(subject))))
        .order_by(QuoteState.quote_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    state = {one.quote_id: one for one in states}[subject.id]
    if state.status not in allowed:
        told = " already" if state.status == verb else f"; it cannot be {verb}"
        raise WrongStatus(f"{_name(subject, state)} is {state.status}{told}.")
    return state


def _refuse_superseded(db: Session, subject: Quote) -> None:
    """One course can come of a quote, and what the patient was shown last is what stands."""
    for other in _other_versions(db, subject):
        version = quote_records.quote(db, other.quote_id).version
        if other.status is QuoteStatus.ACCEPTED or (other.number and version > subject.version):
            verb = "accepted" if other.status is QuoteStatus.ACCEPTED else "issued"
            raise Superseded(
                f"Version {version} of quote {other.number} was {verb}; version {subject.version} cannot be "
                "issued."
            )


def _let_pass(db: Session, subject: Quote, reasons: Mapping[str, str], *, at: datetime, by: str) -> None:
    """Keep why each thing that blocks the issue is let pass. Raises AllergenBlocks for what has no reason."""
    passed, held = [], []
    for one in quote_records.treatments_of(db, subject):
        for position, warning in enumerate((each for each in one.warnings if each["blocks"]), start=1):
            about = warning.get("about", "")
            reason = (reasons.get(about) or reasons[""]).strip()
            if reason:
                facts = {"code": warning["code"], "message": warning["message"], "reason": reason[:500]}
                passed.append(
                    QuoteOverride(quote_id=one.id, position=position, about=about, by=by, at=at, **facts)
                )
            else:
                held.append(warning["message"])
    if held:
        raise AllergenBlocks(" ".join(dict.fromkeys(held)))
    db.add_all(passed)


def _check_lost(lost: LostReason | None, reason: str) -> None:
    if lost is LostReason.OTHER and not reason.strip():
        raise ReasonMissing("Another reason than those of the list is told in words.")


def _become(
    db: Session,
    state: QuoteState,
    status: QuoteStatus,
    *,
    at: datetime,
    by: str,
    reason: str,
    lost: LostReason | None = None,
) -> QuoteState:
    state.status = status
    db.add(QuoteEvent(quote_id=state.quote_id, status=status, at=at, by=by, reason=reason, lost=lost))
    db.flush()
    return state


def _other_versions(db: Session, subject: Quote) -> Sequence[QuoteState]:
    return db.scalars(
        sa.select(QuoteState)
        .join(Quote, Quote.id == QuoteState.quote_id)
        .where(_of_root(subject), Quote.id != subject.id)
        .order_by(Quote.version)
    ).all()


def _number_of_root(db: Session, subject: Quote) -> str | None:
    return next((one.number for one in _other_versions(db, subject) if one.number is not None), None)


def _of_root(subject: Quote) -> sa.ColumnElement[bool]:
    root_id = subject.root_id or subject.id
    return sa.or_(Quote.id == root_id, Quote.root_id == root_id)


def _name(subject: Quote, state: QuoteState) -> str:
    return f"Quote {state.number}" if state.number else f"Quote draft {subject.id}"
