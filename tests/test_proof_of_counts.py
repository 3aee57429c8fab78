"""Each way to break a posted count, a place given up, or what passes through transit is noticed by name."""

import pytest

from inventory.proof import INVARIANTS, verify
from pricing import proof
from tests.counting import begin, post, stocked, write
from tests.test_proof import break_it, names

BREAKAGES = {
    "a posted count has lost its document": (
        "UPDATE counts SET document_id = NULL",
        {"posted counts are their documents", "counts moved what their lines say"},
    ),
    "a document of a session says that it was a count": (
        "UPDATE documents SET kind = 'count' WHERE kind = 'session'",
        {"posted counts are their documents"},
    ),
    "a line says that one more was missing": (
        "UPDATE count_lines SET change = change - 10000 WHERE change <> 0",
        {"counts moved what their lines say"},
    ),
    "a line says that it was worth a cent more": (
        "UPDATE count_lines SET value = value - 1 WHERE change <> 0",
        {"counts moved what their lines say"},
    ),
    "a counted line does not say what its posting did": (
        "UPDATE count_lines SET change = NULL, value = NULL WHERE change = 0",
        {"only posted lines say what changed"},
    ),
    "a shelf with stock was given up": (
        "UPDATE places SET active = (1 = 0) WHERE kind = 'shelf'",
        {"places given up are empty"},
    ),
}


@pytest.fixture
def clinic(db):
    """A clinic that has counted its shelf: three millilitres of A17 are missing."""
    clinic = stocked(db)
    sheet = begin(clinic)
    write(clinic, sheet, A17=27, B02=15, L1=40, L1_open=17, N1=100)
    post(clinic, sheet)
    assert verify(db) == []
    return clinic


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_each_way_to_break_a_count_is_noticed_by_name(clinic, breakage):
    statement, noticed = BREAKAGES[breakage]

    break_it(clinic.db, statement)

    assert names(clinic.db) == noticed


def test_what_passed_through_transit_without_a_transfer_is_noticed(clinic):
    break_it(
        clinic.db,
        "UPDATE movements SET target_id = (SELECT id FROM places WHERE kind = 'transit') "
        "WHERE direction = -1 AND lot_id = [A17]",
    )

    assert "transit belongs to transfers" in names(clinic.db)


def test_every_invariant_is_seen_to_fail_somewhere(request):
    tests = "".join(path.read_text(encoding="utf-8") for path in request.path.parent.glob("test_*.py"))
    by_sentence = {  # where the test compares the whole sentence instead of the name
        "orders are received, open or cancelled": "were received and",
        "receipts fit their orders": "against which it was received.",
        "a vial in a treatment room stayed its patient's": "is not said to be theirs alone.",
    }
    elsewhere = tests.replace("".join(f'        "{name}": "{said}' for name, said in by_sentence.items()), "")

    unseen = [
        name
        for name in (*INVARIANTS, *proof.INVARIANTS)
        if elsewhere.count(by_sentence.get(name, name)) < (2 if name in by_sentence else 1)
    ]

    assert unseen == []
