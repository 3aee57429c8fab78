"""An offer explains itself in eight stages; a draft keeps all that it promises (section 4, P1 to P3, T6)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from inventory import clinic
from inventory.treatments import BadPatientRef
from pricing import formulations, price_list, protocols, quote_records, quotes
from pricing.price_list import NoBand, UnknownLevel
from pricing.protocols import OutsideProtocol, UnknownProtocol
from pricing.quote_records import (
    Quote,
    QuoteLine,
    QuoteSession,
    QuoteStage,
    QuoteState,
    QuoteStatus,
    UnknownQuote,
)
from pricing.screening import Screening
from pricing.stages import BadTerms, NoPrice
from tests.selling import STARTS_ON, allergic_to, facial
from tests.shelf import BY, NOW, TODAY, refused

STAGES = ["cost", "target", "level", "list", "step", "band", "discount", "tax"]


@pytest.fixture
def counter(db):
    return facial(db)


def offer(counter, **changes):
    return quotes.offer(counter.db, counter.request(**changes), site=counter.site, on=TODAY)


def amounts(found):
    return [stage.amount for stage in found.price.stages]


def codes(found):
    return [warning.code for warning in found.warnings]


def test_the_price_goes_through_eight_stages_each_with_its_amount_and_a_sentence(counter):
    found = offer(counter)

    # 16.50 + 0.88 + 45.00, and 15 % of it: 71.74. Half of the price is margin; the band begins at 250.
    assert [stage.name for stage in found.price.stages] == STAGES
    assert amounts(found) == [
        Decimal(amount)
        for amount in ("71.74", "143.48", "143.48", "143.48", "145.00", "250.00", "250.00", "250.00")
    ]
    assert all(stage.note.endswith(".") for stage in found.price.stages)
    assert found.price.stages[0].note == "A session costs 71.74, the mean over the course."
    assert found.price.stages[5].note.startswith("145.00 is raised to the low end of the band of 250.00")
    assert (found.price.total, found.currency, found.region) == (1000, "USD", "North America")


def test_a_level_s_premium_and_the_clinic_s_own_price_count(counter):
    counter.level("L6", "180.00", multiplier="1.6")
    protocol = protocols.protocol(counter.db, "P-00")
    level = price_list.level(counter.db, "L6")

    before = offer(counter, level="L6")
    price_list.set_list_price(counter.db, protocol, level, Decimal("512.00"), valid_from=TODAY, at=NOW, by=BY)
    after = offer(counter, level="L6")

    assert amounts(before)[:6] == [
        Decimal(amount) for amount in ("226.99", "453.98", "726.37", "726.37", "730.00", "600.00")
    ]
    assert amounts(after)[3:6] == [Decimal(512), Decimal(515), Decimal(515)]


def test_every_session_s_price_lies_inside_the_band(counter):
    for discount in ("0", "0.10", "0.50", "1"):
        found = offer(counter, discount_rate=Decimal(discount))

        assert all(250 <= price <= 600 for price in found.price.session_prices)


def test_a_discount_that_would_leave_the_band_is_trimmed_and_says_so(counter):
    counter.level("L6", "180.00", multiplier="1.2")  # 545.00 a session

    whole = offer(counter, level="L6", discount_rate=Decimal("0.10"))
    trimmed = offer(counter, level="L6", discount_rate=Decimal("0.60"))

    assert (whole.price.discount, whole.price.trimmed) == (Decimal("218.00"), False)
    assert trimmed.price.session_prices == (Decimal("283.74"),) * 4  # the floor: 226.99 and 20 %
    assert codes(trimmed) == [*["shortage"] * 2, "discount_trimmed"]
    assert trimmed.warnings[-1].message == trimmed.price.stages[6].note
    assert "trimmed to 1,045.04" in trimmed.warnings[-1].message


def test_where_the_floor_is_above_the_band_there_is_no_price_unless_a_manager_overrides(counter):
    counter.offer("HA", "1 x 900.00", valid_from=date(2026, 1, 1))

    with pytest.raises(NoPrice, match=r"1,359\.70 .* 20 %, .* 250\.00 to 600\.00"):
        counter.draft()
    quote = counter.draft(price_override="a friend of the house, at cost")

    assert quote.price_override == "a friend of the house, at cost"
    assert quote.total == 4 * Decimal("1360.00")


def test_an_override_that_was_not_needed_is_not_kept(counter):
    assert counter.draft(price_override="just in case").price_override == ""


def test_a_course_s_total_is_shared_in_cents_the_larger_parts_first(counter):
    counter.level("L6", "180.00", multiplier="1.2")

    found = offer(counter, level="L6", sessions=3, discount_rate=Decimal("0.123457"))

    # 1,635.00 less 201.85.
    assert found.price.session_prices == (Decimal("477.72"), Decimal("477.72"), Decimal("477.71"))
    assert sum(found.price.session_prices) == found.price.subtotal - found.price.discount


@pytest.mark.parametrize(
    ("inclusive", "tax", "total"), [(False, "63.50", "1063.50"), (True, "59.71", "1000.00")]
)
def test_tax_is_on_top_or_inside_as_the_rule_says(counter, inclusive, tax, total):
    counter.tax("0.0635", inclusive=inclusive)

    quote = counter.draft()

    assert (quote.tax, quote.total) == (Decimal(tax), Decimal(total))
    assert (quote.tax_rate, quote.tax_inclusive, quote.tax_name) == (
        Decimal("0.0635"),
        inclusive,
        "Sales tax",
    )


def test_the_band_and_the_tax_are_those_in_force_on_the_day_of_the_offer(counter):
    counter.band("300", "700", "PB-02", valid_from=date(2026, 1, 16))

    today = quotes.offer(counter.db, counter.request(), site=counter.site, on=TODAY)
    tomorrow = quotes.offer(counter.db, counter.request(), site=counter.site, on=date(2026, 1, 16))

    assert (today.price.band.low, tomorrow.price.band.low) == (250, 300)


def test_a_course_has_the_protocol_s_usual_sessions_and_interval_unless_asked_otherwise(counter):
    usual, asked = offer(counter), offer(counter, sessions=6, interval_weeks=4)

    assert (usual.plan.sessions, usual.plan.interval_weeks) == (4, 2)
    assert [one.on for one in asked.cost.sessions] == [STARTS_ON + timedelta(weeks=4 * n) for n in range(6)]


def test_going_outside_the_protocol_needs_a_reason_that_is_kept(counter):
    with refused(
        OutsideProtocol,
        "Protocol P-00 has 3 to 6 sessions, not 8; going outside needs a reason.",
    ):
        counter.draft(sessions=8)

    quote = counter.draft(sessions=8, plan_reason="scars of long standing")

    assert (quote.sessions, quote.plan_reason) == (8, "scars of long standing")
    assert len(quote_records.sessions_of(counter.db, quote)) == 8


def test_what_is_not_on_record_or_no_patient_reference_is_refused(counter):
    with refused(UnknownProtocol, "No protocol has the code 'P-99'."):
        counter.draft(protocol="P-99")
    with refused(UnknownLevel, "No practitioner level has the code 'L9'."):
        counter.draft(level="L9")
    with pytest.raises(BadPatientRef):
        counter.draft(patient_ref="Mara Lind")
    with pytest.raises(BadTerms):
        counter.draft(discount_rate=Decimal("1.5"))
    with refused(UnknownQuote, "No quote has the key 987654321."):
        quote_records.quote(counter.db, 987654321)
    assert counter.db.scalar(sa.select(sa.func.count()).select_from(Quote)) == 0


def test_where_no_band_is_in_the_clinic_s_currency_there_is_no_offer(counter):
    clinic.change_setting(counter.db, "currency", "CHF", at=NOW, by=BY)

    with refused(
        NoBand,
        "No price band in CHF speaks for mesotherapy (general), full face, "
        "in US (North America) on 2026-01-15.",
    ):
        offer(counter)


def test_an_offer_keeps_nothing(counter):
    offer(counter, screening=allergic_to("latex"))

    assert not counter.db.new
    assert not counter.db.dirty
    assert counter.db.scalar(sa.select(sa.func.count()).select_from(Quote)) == 0


def test_shortages_flags_and_answers_are_warnings(counter):
    counter.clinic.receive("HA", "A17 exp 2026-09-30 4 x 16.50")

    found = offer(counter, screening=Screening(allergies=("latex",), nsaids=True), starts_on=date(2026, 1, 8))

    assert codes(found) == ["unknown_allergen", "nsaids", "shortage", "starts_in_the_past"]
    assert found.warnings[-1].message == "The course would start on 2026-01-08."


def test_an_allergy_to_what_the_session_holds_blocks(counter):
    found = offer(counter, screening=allergic_to("hyaluronate"))

    assert [(one.code, one.blocks) for one in found.warnings if one.blocks] == [("allergen_match", True)]


def test_a_draft_keeps_head_stages_sessions_lines_and_answers(counter):
    counter.clinic.receive("HA", "A17 exp 2026-02-10 2 x 16.50")
    quote = counter.draft(
        screening=Screening(allergies=("latex",), pregnant=True), discount_rate=Decimal("0.05")
    )

    stages = quote_records.stages_of(counter.db, quote)
    sessions = quote_records.sessions_of(counter.db, quote)
    lines = quote_records.lines_of(counter.db, quote)
    state = quote_records.state(counter.db, quote)
    assert [one.name for one in stages] == STAGES
    assert [(one.number, one.on, one.price) for one in sessions] == [
        (number, STARTS_ON + timedelta(weeks=2 * number - 2), Decimal(250)) for number in range(1, 5)
    ]
    assert [one.short_of for one in sessions] == [["NEEDLE"], ["NEEDLE"], ["HA", "NEEDLE"], ["HA", "NEEDLE"]]
    assert [one.code for one in lines if one.session == 1] == [
        "HA",
        "NEEDLE",
        "numbing",
        "injection",
        "overhead",
    ]
    assert quote.cost == sum(one.actual for one in sessions) == sum(one.actual for one in lines)
    assert quote.answers == {
        "allergies": ["latex"],
        "pregnant": True,
        "autoimmune": False,
        "skin_infection": False,
        "nsaids": False,
    }
    assert len(quote.shortages) == 2
    assert (quote.version, quote.root_id, quote.created_by) == (1, None, BY)
    assert (state.status, state.number, state.issued_on) == (QuoteStatus.DRAFT, None, None)
    assert state.valid_until == date(2026, 2, 14)  # thirty days


def test_the_request_that_a_quote_answered_can_be_asked_again(counter):
    asked = counter.request(
        screening=Screening(allergies=("latex", "zinc"), autoimmune=True),
        sessions=5,
        interval_weeks=3,
        plan_reason="as before",
        discount_rate=Decimal("0.05"),
        region="North America",
    )

    quote = quotes.draft(counter.db, asked, site=counter.site, at=NOW, by=BY)

    assert quotes.request_of(counter.db, quote) == asked


def everything(db, quote):
    """Every row of a quote as it stands in the database."""
    db.expire_all()
    rows = [quote, *quote_records.stages_of(db, quote), *quote_records.sessions_of(db, quote)]
    rows += quote_records.lines_of(db, quote)
    return [
        {column.key: getattr(row, column.key) for column in sa.inspect(row).mapper.columns} for row in rows
    ]


def test_nothing_that_a_manager_edits_later_changes_what_was_promised(counter):
    db = counter.db
    quote = counter.issued()
    promised = everything(db, quote)

    level = price_list.level(db, "L2")
    level.labour_rate, level.multiplier = Decimal("99.00"), Decimal("3")
    counter.offer("HA", "1 x 99.00", valid_from=date(2026, 1, 10))
    counter.band("500", "900", "PB-02", valid_from=date(2026, 1, 10))
    counter.tax("0.20")
    counter.clinic.receive("HA", "A17 exp 2026-09-30 9 x 44.00")
    counter.clinic.item("HA").name = "Another name"
    protocol = protocols.protocol(db, "P-00")
    price_list.set_list_price(db, protocol, level, Decimal("555.00"), valid_from=TODAY, at=NOW, by=BY)
    for key, value in (("overhead_rate", "0.5"), ("target_margin_rate", "0.8"), ("validity_days", "3")):
        clinic.change_setting(db, key, value, at=NOW, by=BY)
    formulations.revise(
        db, formulations.formulation(db, "F-90"), [counter.recipe_line("HA 9")], at=NOW, by=BY, reason="more"
    )
    db.flush()

    assert everything(db, quote) == promised
    assert quote_records.state(db, quote).valid_until == date(2026, 2, 14)
    assert offer(counter).price.total != quote.total


@pytest.mark.parametrize("table", [Quote, QuoteStage, QuoteSession, QuoteLine])
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_the_database_itself_refuses_to_change_what_was_promised(counter, table, verb):
    counter.issued()
    column = sa.inspect(table).columns[0]
    statement = sa.update(table).values({column.key: column}) if verb == "update" else sa.delete(table)

    with pytest.raises(sa.exc.DBAPIError, match="only added, never changed"), counter.db.begin_nested():
        counter.db.execute(statement.execution_options(synchronize_session=False))


def test_the_database_refuses_a_status_that_nobody_knows(counter):
    quote = counter.draft()

    with pytest.raises(sa.exc.IntegrityError), counter.db.begin_nested():
        counter.db.execute(
            sa.text("UPDATE quote_states SET status = 'lost' WHERE quote_id = :key"), {"key": quote.id}
        )
    assert counter.db.get_one(QuoteState, quote.id).status is QuoteStatus.DRAFT
