"""Whatever is received, billed, used, written down and revalued: the books tie, item by item, to the cent."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import select

from inventory import (
    catalog,
    clinic,
    corrections,
    lots,
    matching,
    periods,
    proof,
    receiving,
    revaluation,
    uninvoiced,
    wastage,
    write_downs,
)
from inventory.bills import Bill, Billed
from inventory.catalog import Supplier
from inventory.charges import Charges
from inventory.clinic import CostFormula
from inventory.errors import Refusal
from inventory.invoices import SupplierInvoice
from inventory.layers import CostLayer
from inventory.ledger import Document, DocumentKind, Movement, WasteReason
from inventory.receiving import Delivery, Receipt
from inventory.write_downs import Lower, WriteDown
from pricing import accounting, reports
from pricing.chart import GRNI, INVENTORY_ACCOUNTS
from tests.shelf import BY, Clinic

MONTHS = (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1))
CONTENT = {"HA": 3, "LIDO": 20, "NEEDLE": 1}


class Year:
    """A clinic whose months are made up from a seed; what is refused did not happen."""

    def __init__(self, db, formula, seed):
        self.db, self.chance, self.done = db, Random(seed), []
        self.clinic = Clinic(db, formula, share_opened_vials=True)
        self.clinic.add_items("""
            HA      3 mL  single_dose  syringe
            LIDO   20 mL  multi_dose   28 d
            NEEDLE  1 each none        consumable
        """)
        rules = self.chance.choice(["ifrs", "us_gaap"])
        clinic.change_setting(db, "accounting_framework", rules, at=self.at(MONTHS[0]), by=BY)
        self.supplier = catalog.add_supplier(db, Supplier(code="S", name="Northfield", lead_days=7))

    def at(self, day):
        return datetime.fromisoformat(f"{day}T15:00:00+00:00")

    def live(self, month, formula):
        """A month of acts in the order of their days, closed, and the formula of the next one."""
        for day in sorted(self.chance.randint(0, 26) for _ in range(14)):
            self.act(month + timedelta(days=day))
        end = (month + timedelta(days=32)).replace(day=1)
        periods.close(self.db, month, at=self.at(end), by=BY)
        if formula is not clinic.settings(self.db).cost_formula:
            shown = revaluation.preview(self.db, formula, on=end)
            how = {"site": self.clinic.site, "at": self.at(end), "by": BY, "reason": "as the auditor asks"}
            posted = revaluation.change(self.db, formula, on=end, expected=shown.difference, **how)
            assert posted == shown
        return end - timedelta(days=1)

    def act(self, day):
        deeds = [self.receive, self.receive, self.bill, self.use, self.use, self.waste, self.lower]
        deed = self.chance.choice([*deeds, self.raise_again, self.undo, self.take_back])
        how = {"at": self.at(day), "recorded_at": self.at(day), "by": BY}
        try:
            with self.db.begin_nested():
                deed(day, how)
        except Refusal as refusal:
            self.done.append(f"{day} {deed.__name__}: {refusal}")
        else:
            self.done.append(f"{day} {deed.__name__}")

    def money(self, most):
        return Decimal(self.chance.randint(0, most * 100)) / 100

    def receive(self, day, how):
        lines = [
            Delivery(
                self.clinic.item(sku), f"{sku}{self.chance.randint(1, 4)}", date(2026, 5, 31),
                self.chance.randint(1, 9), self.money(30), supplier=self.supplier,
            )
            for sku in self.chance.sample(sorted(CONTENT), self.chance.randint(1, 3))
        ]  # fmt: skip
        charges = (
            Charges(self.money(20), self.money(5), self.money(10))
            if self.chance.random() < 0.6
            else Charges()
        )
        receiving.receive_many(
            self.db,
            lines,
            site=self.clinic.site,
            received_on=day,
            recorded_at=self.at(day),
            by=BY,
            charges=charges,
        )

    def bill(self, day, how):
        waiting = uninvoiced.ageing(self.db, on=day, supplier_id=self.supplier.id).rows
        chosen = self.chance.sample(waiting, min(len(waiting), self.chance.randint(1, 3)))
        lines = [
            Billed(
                self.db.get_one(Receipt, row.receipt_id),
                self.chance.randint(0, max(0, row.containers)),
                max(Decimal(0), row.unit_cost + self.money(8) - 4),
            )
            for row in chosen
        ]
        charges = Charges(self.money(30), discount=self.money(5))
        number = f"B-{self.chance.randint(1, 99)}"
        bill = Bill(number, day, lines, charges, tax=self.money(9))
        matching.record(self.db, bill, supplier=self.supplier, site=self.clinic.site, at=self.at(day), by=BY)

    def use(self, day, how):
        sku = self.chance.choice(sorted(CONTENT))
        self.clinic.treat("P-1", f"{sku} {self.chance.randint(1, 3 * CONTENT[sku])}", at=self.at(day))

    def waste(self, day, how):
        sku = self.chance.choice(sorted(CONTENT))
        lot = lots.find(self.db, self.clinic.item(sku), f"{sku}{self.chance.randint(1, 4)}")
        if lot is None:
            return
        wastage.write_off(
            self.db, lot, quantity_off=Decimal(CONTENT[sku]), reason=WasteReason.BROKEN,
            site=self.clinic.site, **how,
        )  # fmt: skip

    def lower(self, day, how):
        found = write_downs.candidates(self.db, on=day, within_days=400)
        lot = self.chance.choice(found or [None])
        if lot is not None:
            line = Lower(lot.lot_id, min(self.money(40), lot.value))
            write_downs.write_down(
                self.db, [line], site=self.clinic.site, on=day, at=self.at(day), by=BY, reason="short-dated"
            )

    def raise_again(self, day, how):
        for one in write_downs.written(self.db):
            if one.left:
                amount = one.left if self.chance.random() < 0.5 else Decimal("0.01")
                subject = self.db.get_one(WriteDown, one.id)
                write_downs.take_back(
                    self.db, subject, amount=amount, site=self.clinic.site, on=day, at=self.at(day), by=BY,
                    reason="a patient came",
                )  # fmt: skip
                return

    def undo(self, day, how):
        kinds = [DocumentKind.SESSION, DocumentKind.RECEIPT, DocumentKind.WRITE_OFF]
        made = self.db.scalars(
            select(Movement)
            .join(Document, Document.id == Movement.document_id)
            .where(Document.kind.in_(kinds))
            .order_by(Movement.id)
        ).all()
        if made:
            corrections.reverse(self.db, self.chance.choice(made), reason="wrong", **how)

    def take_back(self, day, how):
        bills = self.db.scalars(select(SupplierInvoice).order_by(SupplierInvoice.id)).all()
        if bills:
            matching.take_back(
                self.db, self.chance.choice(bills), site=self.clinic.site, on=day, at=self.at(day), by=BY,
                reason="entered twice",
            )  # fmt: skip


def tie(db, first, last):
    """Nothing is out by a cent in a period: trial balance, roll-forward, valuation, what awaits its bill."""
    balance = accounting.trial_balance(db, since=first, until=last)
    assert sum(row.closing for row in balance) == 0
    assert reports.reconcile(db, on=last).difference == 0
    valued = {}
    for lot in reports.valuation(db, on=last):
        quantity, value = valued.get(lot.item.sku, (0, 0))
        valued[lot.item.sku] = quantity + lot.quantity, value + lot.value
    rolled = reports.roll_forward(db, since=first, until=last)
    closing = {row.item.sku: (row.quantity.closing, row.value.closing) for row in rolled}
    assert {sku: both for sku, both in closing.items() if any(both)} == valued
    grni = sum(-row.closing for row in balance if row.account == GRNI)
    assert grni == uninvoiced.ageing(db, on=last).total
    journal = accounting.journal(db, since=first, until=last)
    written = {}
    for entry in journal:
        for line in entry.lines:
            debit, credit = written.get(line.account, (0, 0))
            written[line.account] = debit + line.debit, credit + line.credit
    told = {row.account: (row.debit, row.credit) for row in balance if row.debit or row.credit}
    assert written == told
    assert sum(row.closing for row in balance if row.account in INVENTORY_ACCOUNTS) == sum(
        value for _, value in valued.values()
    )


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("formula", list(CostFormula))
def test_the_books_tie_in_every_month_whatever_happened_and_whichever_formula_follows(db, formula, seed):
    year = Year(db, formula, seed)
    formulas = [*year.chance.sample(list(CostFormula), 2), clinic.settings(db).cost_formula]

    spans = [(month, year.live(month, after)) for month, after in zip(MONTHS, formulas, strict=True)]

    assert proof.verify(db) == [], year.done
    for first, last in spans:
        tie(db, first, last)
    tie(db, MONTHS[0], spans[-1][1] + timedelta(days=1))
    for layer in db.scalars(select(CostLayer)):
        assert layer.value_left == 0 or layer.quantity_left > 0
