"""JSON: what a course looks like: its sessions, its account, its entries, its terms, its variance."""

from marshmallow import fields

from api.schemas import Cost, Day, Moment, Money, Quantity, Shape, one_word
from pricing.course_book import EntryKind
from pricing.course_events import CourseEventKind
from pricing.courses import SessionState


class CourseSessionShape(Shape):
    """One session of a course; performed by the treatment session it names."""

    number = fields.Integer()
    planned_on = Day()
    price = Money()
    quoted_cost = Cost(allow_none=True)
    state = one_word(SessionState)
    session = fields.Integer(attribute="session_id", allow_none=True)


class CourseRowShape(Shape):
    """A course in a list."""

    id = fields.Integer()
    quote = fields.Integer(attribute="quote_id")
    site = fields.String()
    patient_ref = fields.String()
    level = fields.String()
    accepted_at = Moment()
    accepted_by = fields.String()


class CourseAccountShape(Shape):
    """How a course stands; what the books have of it is null for those who see prices only (P5)."""

    total = Money()
    paid = Money()
    due = Money()
    sessions_used = fields.Integer()
    sessions_owed = fields.Integer()
    ended = one_word(EntryKind, allow_none=True)
    deferred = Cost(allow_none=True)
    receivable = Cost(allow_none=True)
    earned = Cost(allow_none=True)


class CourseEntryShape(Shape):
    """One fact about a course's money."""

    id = fields.Integer()
    kind = one_word(EntryKind)
    on = Day()
    recorded_at = Moment()
    by = fields.String()
    amount = Money()
    session = fields.Integer(attribute="number", allow_none=True)
    method = fields.String()
    note = fields.String()


class CourseEventShape(Shape):
    """One step in the life of a course besides its money; `fee` is what the policy proposes."""

    kind = one_word(CourseEventKind)
    session = fields.Integer(attribute="number", allow_none=True)
    on = Day()
    at = Moment()
    recorded_at = Moment()
    by = fields.String()
    reason = fields.String()
    from_on = Day(allow_none=True)
    to_on = Day(allow_none=True)
    from_patient = fields.String()
    to_patient = fields.String()
    notice_hours = fields.Integer(allow_none=True)
    fee = Money()


class CoursePolicyShape(Shape):
    """The terms under which a course was sold, in words and in numbers."""

    code = fields.String()
    refund = fields.String(attribute="refund_words")
    missed = fields.String(attribute="missed_words")
    notice_hours = fields.Integer()
    changes = fields.Integer(allow_none=True)
    transfers = fields.Integer()


class VarianceLineShape(Shape):
    """One product of a session against its quote (C6)."""

    sku = fields.String(attribute="code")
    name = fields.String()
    unit = fields.String()
    quoted_quantity = Quantity()
    actual_quantity = Quantity()
    quoted = Cost(allow_none=True)
    actual = Cost(allow_none=True)
    price = Cost(allow_none=True)
    usage = Cost(allow_none=True)
    total = Cost(allow_none=True)


class VarianceShape(Shape):
    """Actual less quoted, split into price and usage, for one session (C6)."""

    number = fields.Integer()
    quoted = Cost(allow_none=True)
    actual = Cost(allow_none=True)
    price = Cost(allow_none=True)
    usage = Cost(allow_none=True)
    total = Cost(allow_none=True)
    lines = fields.List(fields.Nested(VarianceLineShape))


class CourseShape(CourseRowShape):
    """A course, session by session; `variance` is null for those who see no costs (P5)."""

    formulation = fields.String()
    late_reason = fields.String()
    expires_on = Day(allow_none=True)
    policy = fields.Nested(CoursePolicyShape)
    sessions = fields.List(fields.Nested(CourseSessionShape))
    account = fields.Nested(CourseAccountShape)
    entries = fields.List(fields.Nested(CourseEntryShape))
    events = fields.List(fields.Nested(CourseEventShape))
    variance = fields.List(fields.Nested(VarianceShape), allow_none=True)


class RecordedShape(Shape):
    """What was written of a course's money, and how the course stands after it."""

    entry = fields.Nested(CourseEntryShape)
    account = fields.Nested(CourseAccountShape)


class StepShape(Shape):
    """What happened to a course, and how it stands after it."""

    event = fields.Nested(CourseEventShape)
    account = fields.Nested(CourseAccountShape)


class RefundShape(Shape):
    """What would be given back, and how that is reckoned."""

    amount = Money()
    credit = fields.Boolean()
    paid = Money()
    sessions_received = fields.Integer(attribute="received")
    sentence = fields.String()
