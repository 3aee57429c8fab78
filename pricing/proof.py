"""The proof of the quotes: every promise adds up, stands once, and is what its course goes by (P1 to P5).

`verify` answers what is broken, nothing when all holds; `inventory.proof` does the same for the stock.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory.database import table_of
from inventory.measures import CENT, ZERO
from inventory.proof import MOST_SENTENCES, Breach
from pricing import closing, proof_of_courses, reports
from pricing.numbering import NumberSeries
from pricing.price_list import Tax
from pricing.quote_life import QuoteEvent
from pricing.quote_records import Quote, QuoteLine, QuoteSession, QuoteStage, QuoteState, QuoteStatus
from pricing.stages import taxed_amount

STAGES = ("cost", "target", "level", "list", "step", "band", "discount", "tax")
STANDING = frozenset({QuoteStatus.ISSUED, QuoteStatus.LAPSED, QuoteStatus.ACCEPTED})
AT_ONCE = 2_000

QUOTES = table_of(Quote)
SESSIONS = table_of(QuoteSession)
LINES = table_of(QuoteLine)
STATES = table_of(QuoteState)


def verify(db: Session) -> list[Breach]:
    """Check every invariant of quotes and courses; an empty list says that all are sound."""
    db.flush()
    return [
        Breach(invariant, sentence)
        for invariant, check in INVARIANTS.items()
        for sentence in islice(check(db), MOST_SENTENCES)
    ]


def _totals_add_up(db: Session) -> Iterator[str]:
    """P2, P3: prices add up to subtotal less discount, parts differ by a cent at most, tax is the rule's."""
    price = SESSIONS.c.price
    sums = (
        sa.select(
            SESSIONS.c.quote_id,
            sa.func.sum(price).label("sum"),
            sa.func.max(price).label("most"),
            sa.func.min(price).label("least"),
        )
        .group_by(SESSIONS.c.quote_id)
        .subquery()
    )
    rows = db.execute(
        sa.select(QUOTES, sums.c.sum, sums.c.most, sums.c.least)
        .join(sums, sums.c.quote_id == QUOTES.c.id, isouter=True)
        .execution_options(yield_per=AT_ONCE)
    )
    for row in rows:
        summed = row.sum or ZERO
        if summed != row.subtotal - row.discount:
            yield (
                f"The sessions of quote {row.id} add up to {summed}; "
                f"it says {row.subtotal} less {row.discount}."
            )
        if row.most is not None and row.most - row.least > CENT:
            yield f"The sessions of quote {row.id} differ by more than a cent: {row.least} to {row.most}."
        tax = Tax(row.tax_rate, row.tax_inclusive, row.tax_name, "", note="", source="")
        due = taxed_amount(summed, tax)
        if (due.tax, due.total) != (row.tax, row.total):
            yield (
                f"Quote {row.id} says {row.tax} of tax and {row.total} in all; "
                f"{row.tax_name} makes it {due.tax} and {due.total}."
            )


def _prices_are_in_their_band(db: Session) -> Iterator[str]:
    """P1: no session below the floor or the band, none above it unless a manager overrode that."""
    price = SESSIONS.c.price
    rows = db.execute(
        sa.select(
            QUOTES.c.id, SESSIONS.c.number, price, QUOTES.c.band_low, QUOTES.c.band_high, QUOTES.c.floor
        )
        .join(SESSIONS, SESSIONS.c.quote_id == QUOTES.c.id)
        .where(
            sa.or_(
                price < QUOTES.c.band_low,
                price < QUOTES.c.floor,
                sa.and_(price > QUOTES.c.band_high, QUOTES.c.price_override == ""),
            )
        )
        .order_by(QUOTES.c.id, SESSIONS.c.number)
    )
    for key, number, asked, low, high, floor in rows:
        yield (
            f"Session {number} of quote {key} is priced at {asked}; "
            f"its band is {low} to {high}, its floor {floor}."
        )


def _sessions_are_as_planned(db: Session) -> Iterator[str]:
    """T4: a quote offers as many sessions as it says, numbered from 1, the interval apart."""
    found: dict[int, list[tuple[int, object]]] = defaultdict(list)
    for key, number, on in db.execute(
        sa.select(SESSIONS.c.quote_id, SESSIONS.c.number, SESSIONS.c.on).order_by(
            SESSIONS.c.quote_id, SESSIONS.c.number
        )
    ):
        found[key].append((number, on))
    plans = db.execute(sa.select(QUOTES.c.id, QUOTES.c.starts_on, QUOTES.c.sessions, QUOTES.c.interval_weeks))
    for key, starts_on, count, weeks in plans:
        planned = [(n + 1, starts_on + timedelta(weeks=weeks * n)) for n in range(count)]
        if found[key] != planned:
            listed = ", ".join(f"{number} on {on}" for number, on in found[key]) or "none"
            yield (
                f"Quote {key} plans {count} sessions {weeks} weeks apart from {starts_on}; "
                f"it offers {listed}."
            )


def _costs_are_their_lines(db: Session) -> Iterator[str]:
    """C4, C5: a quote's cost is that of its sessions, a session's that of its lines, on three bases."""
    bases = ("actual", "average", "replacement")
    signed = sa.union_all(
        sa.select(LINES.c.quote_id, LINES.c.session, *(LINES.c[basis] for basis in bases)),
        sa.select(SESSIONS.c.quote_id, SESSIONS.c.number, *(-SESSIONS.c[basis] for basis in bases)),
    ).subquery()
    over = [sa.func.sum(signed.c[basis]) for basis in bases]
    rows = db.execute(
        sa.select(signed.c.quote_id, signed.c.session, *over)
        .group_by(signed.c.quote_id, signed.c.session)
        .having(sa.or_(*(basis != ZERO for basis in over)))
    )
    for key, number, *more in rows:
        said = ", ".join(f"{amount} {basis}" for amount, basis in zip(more, bases, strict=True) if amount)
        yield f"The lines of session {number} of quote {key} cost more than it says, by {said}."
    total = sa.func.coalesce(sa.func.sum(SESSIONS.c.actual), sa.literal(ZERO, QUOTES.c.cost.type))
    wrong = db.execute(
        sa.select(QUOTES.c.id, QUOTES.c.cost, total)
        .join(SESSIONS, SESSIONS.c.quote_id == QUOTES.c.id, isouter=True)
        .group_by(QUOTES.c.id, QUOTES.c.cost)
        .having(QUOTES.c.cost != total)
    )
    for key, cost, summed in wrong:
        yield f"Quote {key} says that it costs {cost}; its sessions cost {summed}."


def _stages_are_all_there(db: Session) -> Iterator[str]:
    """Section 4: a quote explains itself in its eight stages, in their order."""
    found: dict[int, list[str]] = {key: [] for key in db.scalars(sa.select(QUOTES.c.id))}
    for key, name in db.execute(
        sa.select(QuoteStage.quote_id, QuoteStage.name).order_by(QuoteStage.quote_id, QuoteStage.position)
    ):
        found[key].append(name)
    for key, names in found.items():
        if tuple(names) != STAGES:
            yield f"Quote {key} has the stages {', '.join(names) or 'none'}; it should have all eight."


def _numbers_have_no_gaps(db: Session) -> Iterator[str]:
    """P4, I20: numbers of a year run from 1 to the last one given, and a number is one quote's alone."""
    given: dict[int, set[int]] = defaultdict(set)
    roots: dict[str, set[int]] = defaultdict(set)
    for number, key, root_id in db.execute(
        sa.select(STATES.c.number, QUOTES.c.id, QUOTES.c.root_id)
        .join(QUOTES, QUOTES.c.id == STATES.c.quote_id)
        .where(STATES.c.number.isnot(None))
    ):
        _, year, count = number.split("-")
        given[int(year)].add(int(count))
        roots[number].add(root_id or key)
    last = {
        year: count
        for year, count in db.execute(
            sa.select(NumberSeries.year, NumberSeries.last).where(NumberSeries.series == "quote")
        )
    }
    for year in sorted(given.keys() | last.keys()):
        expected = set(range(1, last.get(year, 0) + 1))
        missing, extra = sorted(expected - given[year]), sorted(given[year] - expected)
        if missing or extra:
            yield (
                f"The last quote of {year} was number {last.get(year, 0)}; "
                f"missing {missing or 'none'}, beyond it {extra or 'none'}."
            )
    for number, keys in roots.items():
        if len(keys) > 1:
            yield f"Number {number} was given to the quotes {', '.join(map(str, sorted(keys)))}."


def _states_are_their_events(db: Session) -> Iterator[str]:
    """P4: a quote stands where its last event left it, is numbered once issued, and one version stands."""
    last: dict[int, QuoteStatus] = {}
    issued: set[int] = set()
    for key, status in db.execute(sa.select(QuoteEvent.quote_id, QuoteEvent.status).order_by(QuoteEvent.id)):
        last[key] = status
        if status is QuoteStatus.ISSUED:
            issued.add(key)
    standing: dict[int, list[int]] = defaultdict(list)
    for key, root_id, status, number, issued_on in db.execute(
        sa.select(QUOTES.c.id, QUOTES.c.root_id, STATES.c.status, STATES.c.number, STATES.c.issued_on)
        .join(STATES, STATES.c.quote_id == QUOTES.c.id, isouter=True)
        .where(QUOTES.c.part_of.is_(None))
        .order_by(QUOTES.c.id)
    ):
        left = last.get(key, QuoteStatus.DRAFT)
        if status is not left:
            yield f"Quote {key} is said to be {status}; its last event left it {left}."
        if (number is not None, issued_on is not None) != (key in issued,) * 2:
            yield (
                f"Quote {key} was {'' if key in issued else 'never '}issued; "
                f"its number is {number}, its day of issue {issued_on}."
            )
        if status in STANDING:
            standing[root_id or key].append(key)
    for keys in standing.values():
        if len(keys) > 1:
            yield f"Of the versions {', '.join(map(str, keys))} of one quote more than one stands."


def _bills_are_awaited(db: Session) -> Iterator[str]:
    """B1: the account of goods received, not invoiced is the list of what awaits its bill."""
    found = reports.reconcile_uninvoiced(db, on=date.max)
    if found.difference:
        yield (
            f"The account of goods received, not invoiced has {found.account}; what awaits its bill adds up "
            f"to {found.ageing.total}."
        )


INVARIANTS: dict[str, Callable[[Session], Iterator[str]]] = {
    "quotes add up": _totals_add_up,
    "prices are in their band": _prices_are_in_their_band,
    "sessions are as planned": _sessions_are_as_planned,
    "costs are their lines": _costs_are_their_lines,
    "stages are all there": _stages_are_all_there,
    "numbers have no gaps": _numbers_have_no_gaps,
    "quotes stand where their events left them": _states_are_their_events,
    **proof_of_courses.INVARIANTS,
    "what awaits its bill is the account": _bills_are_awaited,
    "closed months did not move": closing.closed_months_did_not_move,
}
"""Each invariant by the words that a breach names it with."""
