"""Chart numbers: what is one, what only looks like one, and what is a person's after all (T8)."""

import csv
from contextlib import nullcontext, suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.patients import ALWAYS_A_DATE, BadPatientRef, check_patient_ref, check_shape

CASES = [
    tuple(row) for row in csv.reader(Path(__file__).with_name("patient_refs.csv").open("r", encoding="utf-8"))
][1:]
GOOD = [ref for ref, looks_like in CASES if not looks_like]


def test_there_are_sixty_of_each():
    assert len(set(GOOD)) >= 60
    assert len(set(CASES)) - len(set(GOOD)) >= 60


@pytest.mark.parametrize("ref", GOOD)
def test_a_chart_number_is_taken(ref):
    check_patient_ref(ref)


@pytest.mark.parametrize(("ref", "looks_like"), [case for case in CASES if case[1]])
def test_what_says_who_it_is_is_refused_and_told_why(ref, looks_like):
    with pytest.raises(BadPatientRef) as refused:
        check_patient_ref(ref)

    if looks_like == "no chart number":
        with pytest.raises(BadPatientRef, match="of 1 to 40 letters, digits"):
            check_shape(ref)
    else:
        assert f"looks like {looks_like}: use the chart number of the clinic" in str(refused.value)
        # What was kept before it was refused can still be found; a written date never was.
        with pytest.raises(BadPatientRef) if ALWAYS_A_DATE.fullmatch(ref) else nullcontext():
            check_shape(ref)


@given(st.dates(min_value=date(1905, 1, 1)), st.sampled_from(("-", "/", ".", "_", "")))
def test_no_birth_date_is_taken_in_any_order(born, mark):
    orders = (f"%Y{mark}%m{mark}%d", f"%d{mark}%m{mark}%Y", f"%m{mark}%d{mark}%Y")
    for order in orders:
        with pytest.raises(BadPatientRef):
            check_patient_ref(
                born.replace(year=1905 + born.year % 190, day=min(born.day, 28)).strftime(order)
            )


@given(st.text(max_size=50))
def test_any_text_is_taken_or_refused_in_words(text):
    with suppress(BadPatientRef):
        check_patient_ref(text)
        check_shape(text)  # what is taken can always be looked for
