"""Patients: known by the clinic's own chart number alone; what looks like anything else is refused (T8)."""

import re
from datetime import date

from inventory.errors import Invalid

LONGEST = 40
SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/#-]{0,39}")
DATE = re.compile(r"\d{4}[-/._]\d{1,2}[-/._]\d{1,2}|\d{1,2}[-/._]\d{1,2}[-/._](\d{4}|\d{2})")
ALWAYS_A_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})")
"""Dates that no book ever took for a chart number."""
NUMBER_OF_A_PERSON = re.compile(
    r"(tel|phone|ssn|nhs)[._/#-]?[0-9._/-]{5,}|[0-9][0-9._/-]*[0-9]", re.IGNORECASE
)
LONGEST_CHART = 8  # digits, where there are only digits: telephones and national numbers have more
EARLIEST_BIRTH, LATEST_BIRTH = 1900, 2099


class BadPatientRef(Invalid):
    """A patient is known by the clinic's chart number alone (T8)."""


def check_shape(patient_ref: str) -> None:
    """Refuse what no record can ever have been kept under. Raises BadPatientRef."""
    if not SHAPE.fullmatch(patient_ref) or ALWAYS_A_DATE.fullmatch(patient_ref):
        raise BadPatientRef(
            f"A patient is known by a chart number of 1 to {LONGEST} letters, digits and . _ / # - only; "
            "no name, date or e-mail."
        )


def check_patient_ref(patient_ref: str) -> None:
    """Refuse what is no chart number: names, dates, telephone and national numbers. Raises BadPatientRef.

    One with a digit and a letter, or of up to 8 digits that are no date, or all in capitals, is taken.
    """
    if not ALWAYS_A_DATE.fullmatch(patient_ref):  # of which there is more to say
        check_shape(patient_ref)
    if (looks_like := resemblance(patient_ref)) is not None:
        raise BadPatientRef(
            f"{patient_ref!r} looks like {looks_like}: use the chart number of the clinic, "
            "which says nothing of who it is."
        )


def resemblance(patient_ref: str) -> str | None:
    """What a text looks like that a chart number must not be made of; none where it looks like nothing."""
    if DATE.fullmatch(patient_ref) or _is_date(patient_ref):
        return "a date of birth"
    digits = sum(letter.isdigit() for letter in patient_ref)
    if NUMBER_OF_A_PERSON.fullmatch(patient_ref) and (digits > LONGEST_CHART or patient_ref[0].isalpha()):
        return "a telephone or national number"
    letters = re.sub(r"[^A-Za-z]", "", patient_ref)
    if not digits and len(letters) >= 3 and not letters.isupper():
        return "a name"
    return None


def _is_date(text: str) -> bool:
    """Whether eight digits are a day of this or the last century, in any usual order."""
    if not (len(text) == 8 and text.isdigit()):
        return False
    first, second, rest = text[:2], text[2:4], text[4:]
    orders = ((text[:4], rest[:2], rest[2:]), (rest, second, first), (rest, first, second))
    return any(_exists(int(year), int(month), int(day)) for year, month, day in orders)


def _exists(year: int, month: int, day: int) -> bool:
    if not EARLIEST_BIRTH <= year <= LATEST_BIRTH:
        return False
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
