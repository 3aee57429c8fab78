"""Papers: the PDF of a quote of six sessions, from its data to its bytes, after the first."""

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from api import documents, languages, quote_document
from api.patient_copy import CopySession, CopyTreatment, PatientCopy
from pricing.quote_records import QuoteStatus
from tests.benchmarks.timing import Figure

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FIRST_DAY = date(2026, 12, 1)
LONGEST = 300.0  # ms


def copy(number: int) -> PatientCopy:
    """What a patient's copy says; each one another quote's."""
    said = languages.language("es" if number % 2 else "en", "US")
    price = Decimal("310.00")
    sessions = tuple(
        CopySession(n, FIRST_DAY + timedelta(weeks=2 * (n - 1)), price + number % 7) for n in range(1, 7)
    )
    total = sum((one.price for one in sessions), Decimal(0))
    return PatientCopy(
        language=said,
        number=f"Q-2026-{number:05}",
        title=f"{said.say('quote')} Q-2026-{number:05}",
        version=1,
        offered=True,
        status=QuoteStatus.ISSUED,
        clinic="Harbour Skin Clinic",
        site="Main Street",
        patient_ref=f"P-{number}",
        treatments=(
            CopyTreatment("hydration (HA)", "full face", "nappage", "Registered nurse", sessions=sessions),
        ),
        minutes=60,
        currency="USD",
        subtotal=total,
        discount=Decimal(0),
        tax=Decimal("118.11"),
        tax_name="Sales tax",
        tax_rate=Decimal("0.0635"),
        tax_inclusive=False,
        total=total + Decimal("118.11"),
        deposit=Decimal("200.00"),
        issued_on=FIRST_DAY,
        valid_until=FIRST_DAY + timedelta(days=30),
        printed_on=FIRST_DAY,
        questions=(said.say("nsaids"),),
    )


def figures(*, rounds: int) -> Iterator[Figure]:
    """The middle and the slowest of a hundred such papers; the first, which loads typst, is not counted."""
    times = []
    for number in range(rounds + 1):
        start = time.perf_counter()
        data = quote_document.data(copy(number), mark=None, country="US")
        body = documents.pdf("quote", data, at=AT)
        times.append((time.perf_counter() - start) * 1000)
        assert body.startswith(b"%PDF")
    after = sorted(times[1:])
    yield Figure("PDF of a quote of six sessions: median", statistics.median(after), most=LONGEST)
    yield Figure("PDF of a quote of six sessions: 99 of 100", after[int(len(after) * 0.99) - 1])
