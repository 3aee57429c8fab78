"""Every event of the table of journal templates is an entry of ours, or is not, for a reason (B1, B2)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from inventory import write_downs
from inventory.bills import Bill, Billed
from inventory.charges import Charges
from inventory.ledger import WasteReason
from inventory.matching import record
from inventory.receiving import Delivery, receive
from inventory.write_downs import Lower
from pricing import accounting
from pricing.course_book import EntryKind, Sold, State, given_back, paid, used
from seed_data import read
from tests.month import FIRST, LAST, opened_clinic
from tests.selling import Supplier
from tests.shelf import BY

DAY = date(2026, 1, 14)

NOT_OURS = {
    "open_multidose": "an opened vial stays in its inventory account; the reclass is optional",
    "deposit": "a deposit is the first payment of an accepted course, owed in sessions like the rest (2100)",
    "deposit_used": "so is its use: the session performed earns it",
    "deposit_kept": "what is kept of it is a session forfeited (4010), a fee (4030) or re-rated by a refund",
    "retail": "goods are sold over a till that is not ours; what leaves for it is written off with words",
    "return_supplier": "what goes back undoes its receipt (2050, 1200); its bill is taken back (2000, 2050)",
    "transfer": "one inventory account serves all sites; entries say of each line at which site it was",
    "staff_use": "nothing is recorded as training: it is a write-off for another reason, in words (5110)",
}
"""Events of the table that make no entry of their own, and why."""


def of_stock(month):
    """The accounts of every entry so far, as (debits, credits)."""
    return {
        (
            frozenset(line.account for line in entry.lines if line.debit),
            frozenset(line.account for line in entry.lines if line.credit),
        )
        for entry in accounting.journal(month.db, since=FIRST, until=LAST + timedelta(days=366))
    }


def sides(change):
    return (
        frozenset(account for account, amount in change.items() if amount < 0),
        frozenset(account for account, amount in change.items() if amount > 0),
    )


def bought(month, *, freight="0", tax="0", price="16.50"):
    """A delivery of two, billed."""
    supplier = Supplier(code="SUP", name="Northfield", lead_days=7)
    month.db.add(supplier)
    month.db.flush()
    here = month.clinic
    line = Delivery(here.item("HA"), "N1", date(2026, 12, 31), 2, Decimal("16.50"), supplier=supplier)
    how = {"site": here.site, "by": BY}
    got = receive(month.db, line, received_on=DAY, recorded_at=month.at(DAY), **how).receipt
    lines = [Billed(got, 2, Decimal(price))]
    bill = Bill("R-1", DAY, lines, Charges(freight=Decimal(freight)), Decimal(tax))
    record(month.db, bill, supplier=supplier, at=month.at(DAY), **how)


def lowered(month):
    lot = month.clinic.lot("HA", "A17")
    how = {"site": month.clinic.site, "on": DAY, "at": month.at(DAY), "by": BY, "reason": "short-dated"}
    write_downs.write_down(month.db, [Lower(lot.id, Decimal(1))], **how)


SOLD = Sold(Decimal(360), Decimal(60), (Decimal(120),) * 3, Decimal("0.25"))
NEW = State({}, Decimal(0), frozenset(), None)
PAID = State({"2100": Decimal(300), "2200": Decimal(60)}, Decimal(360), frozenset(), None)
OPENED = date(2025, 12, 30)

STOCK = {
    "receipt": (lambda it: bought(it), "1200", "2050"),
    "bill": (lambda it: bought(it, tax="6.60", price="17.00"), "2050 1200 1350", "2000"),
    "bill_freight": (lambda it: bought(it, freight="4.00"), "2050 1200", "2000"),
    "use": (lambda it: it.treat(DAY, "P-1", "LIDO 5"), "5000", "1200"),
    "discard_normal": (lambda it: it.treat(DAY, "P-1", "HA 2"), "5000 5020", "1200"),
    "use_open": (
        lambda it: (it.treat(OPENED, "P-1", "LIDO 5"), it.treat(DAY, "P-2", "LIDO 5")),
        "5000",
        "1200",
    ),
    "discard_open": (
        lambda it: (it.treat(OPENED, "P-1", "LIDO 5"), it.discard_opened(DAY, "LIDO")),
        "5020",
        "1200",
    ),
    "expired": (lambda it: it.write_off(DAY, "HA", "A17", "3", WasteReason.EXPIRED), "5100", "1200"),
    "breakage": (lambda it: it.write_off(DAY, "HA", "A17", "3", WasteReason.BROKEN), "5110", "1200"),
    "count_gain": (lambda it: it.count(DAY, "HA", "A17", "3"), "1200", "5120"),
    "count_loss": (lambda it: it.count(DAY, "HA", "A17", "-3"), "5120", "1200"),
    # Not the allowance 1290: later use costs what is left, so that the item's own account must have it.
    "nrv": (lowered, "5130", "1200"),
}
"""What is done, and the accounts of the entry that it makes."""

COURSES = {
    "course_sale": (lambda: paid(SOLD, NEW, Decimal(360)), "1000", "2100 2200"),
    "session_done": (lambda: used(SOLD, PAID, 1), "2100", "4010 4020"),
    "breakage_prop": (lambda: used(SOLD, PAID, 1), "2100", "4010 4020"),
    "refund": (lambda: given_back(SOLD, PAID, Decimal(240), credit=False), "2100 2200", "1000 4010"),
}


def test_the_table_of_templates_is_covered_event_by_event():
    events = [row["event"] for row in read("journal_templates")]

    assert sorted(events) == sorted([*STOCK, *COURSES, *NOT_OURS])


@pytest.mark.parametrize("event", STOCK)
def test_what_happens_to_stock_makes_the_entry_of_its_template(db, event):
    month = opened_clinic(db)
    act, debited, credited = STOCK[event]

    act(month)

    assert (frozenset(debited.split()), frozenset(credited.split())) in of_stock(month)


@pytest.mark.parametrize("event", COURSES)
def test_what_happens_to_a_course_makes_the_entry_of_its_template(event):
    change, debited, credited = COURSES[event]

    assert sides(change()) == (frozenset(debited.split()), frozenset(credited.split()))


def test_every_event_of_a_course_says_which_template_it_is_of():
    assert {kind.value for kind in EntryKind} == {
        "deposit", "payment", "performed", "undone", "forfeited", "refund", "credit", "expired", "fee",
    }  # fmt: skip
