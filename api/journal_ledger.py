"""The journal as a ledger that Beancount reads: money by account, stock by lot at its cost (B6).

Each cost layer is a lot of Beancount's with our receipt's cost, date and lot number; what leaves stock names
its lot, and Beancount books it itself. The journal is in whole cents (C2) where a lot's unit cost is not:
the fractions between the two, and all value that is in no lot, stand on an account beside the lots.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from api.journal_rows import net
from pricing import accounting, details, lot_changes, mapping
from pricing.accounting import AccountTotal, Entry
from pricing.chart import INVENTORY_ACCOUNTS
from pricing.details import Subject
from pricing.lot_changes import LotChange

ENDING, MIMETYPE = "beancount", "text/plain"
LOTS, BESIDE = "Lots", "Not-in-lots"
BATCH = 500
FINEST = Decimal("0.0000000001")


@dataclass
class _Lot:
    """A lot as it stands in the ledger: what a unit cost, how much is there, how much was drawn too early."""

    unit_cost: Decimal
    label: str
    left: Decimal = Decimal(0)
    owed: Decimal = Decimal(0)  # a session of an earlier day can have drawn what was received after it (S12)


@dataclass
class Ledger:
    """Writes a ledger's text, piece by piece."""

    currency: str
    accounts: dict[str, str]
    commodities: dict[int, str]
    lots: dict[int, _Lot] = field(default_factory=dict)

    def entry(self, entry: Entry, changes: Sequence[LotChange]) -> str:
        """One entry, its stock by lots."""
        facts = [("entry", entry.id), ("site", entry.site), ("practitioner", entry.practitioner)]
        lines: dict[str, Decimal] = {}
        for line in entry.lines:
            lines[line.account] = lines.get(line.account, Decimal(0)) + net(line)
        return self.transaction(entry.on, entry.description, facts, lines, changes)

    def transaction(
        self,
        on: date,
        words: str,
        facts: Iterable[tuple[str, str]],
        lines: dict[str, Decimal],
        changes: Sequence[LotChange],
    ) -> str:
        """A transaction; what came to lots of an item from which it also takes is booked just before it.

        Beancount lets no transaction take from a lot and add to another of the same commodity.
        """
        into: list[tuple[str, Decimal, str]] = []
        out: list[tuple[str, Decimal, str]] = []
        for change in changes:
            posting = self._moved(change)
            if posting is not None:
                (into if change.quantity > 0 else out).append((change.account, *posting))
        head = f'{on} * "{_quoted(words)}"\n'
        told = "".join(f'  {name}: "{_quoted(value)}"\n' for name, value in facts if value)
        taken = {(account, text.split()[1]) for account, _, text in out}
        before = [one for one in into if (one[0], one[2].split()[1]) in taken]
        text = ""
        if before:
            text = head + told + self._postings({}, before)
        return text + head + told + self._postings(lines, [one for one in into if one not in before] + out,
                                                   already=before)  # fmt: skip

    def _postings(
        self,
        lines: dict[str, Decimal],
        moved: Sequence[tuple[str, Decimal, str]],
        already: Sequence[tuple[str, Decimal, str]] = (),
    ) -> str:
        beside = {account: value for account, value in lines.items() if account in INVENTORY_ACCOUNTS}
        parts = []
        for account, weight, text in moved:
            parts.append(f"  {self.accounts[account]}:{LOTS}  {text}\n")
            beside[account] = beside.get(account, Decimal(0)) - weight
        for account, weight, _ in already:
            beside[account] = beside.get(account, Decimal(0)) - weight
        for account, value in sorted(beside.items()):
            if value := value.quantize(FINEST):
                parts.append(f"  {self.accounts[account]}:{BESIDE}  {value:f} {self.currency}\n")
        for account, value in lines.items():
            if account not in INVENTORY_ACCOUNTS and value:
                parts.append(f"  {self.accounts[account]}  {value:f} {self.currency}\n")
        return "".join(parts) + "\n"

    def _moved(self, change: LotChange) -> tuple[Decimal, str] | None:
        """What a change books on its lot and what that weighs; nothing for a pool, which is no lot (C1)."""
        if not change.lot_number or not change.quantity:
            return None
        commodity, lot = self.commodities[change.item_id], self.lots.get(change.layer_id)
        if lot is None:
            label = f"{change.lot_number} #{change.layer_id}"
            lot = self.lots[change.layer_id] = _Lot(change.value / change.quantity, label)
        if change.quantity > 0:
            paid = min(lot.owed, change.quantity)
            lot.owed -= paid
            quantity = change.quantity - paid
            cost = f"{lot.unit_cost:f} {self.currency}, "
        else:
            taken = min(lot.left, -change.quantity)
            lot.owed += -change.quantity - taken
            quantity, cost = -taken, ""
        lot.left += quantity
        if not quantity:
            return None
        named = f'{{{cost}{change.received_on}, "{_quoted(lot.label)}"}}'
        return quantity * lot.unit_cost, f"{quantity:f} {commodity} {named}"


def write(
    db: Session,
    balances: Sequence[AccountTotal],
    entries: Iterable[Entry],
    *,
    names: dict[str, str],
    since: date,
    until: date,
    currency: str,
    title: str,
) -> Iterator[tuple[str, list[Entry]]]:
    """The ledger, piece by piece, each with the entries that it holds."""
    items = details.subjects(db)
    ledger = Ledger(currency, names, _commodities(items, currency))
    used = {one.account for one in balances}
    yield _head(db, ledger, items, used, since=since, until=until, title=title, balances=balances), []
    opening = {one.account: one.opening for one in balances if one.opening}
    held = lot_changes.held_before(db, since)
    if opening or held:
        yield ledger.transaction(since, "Opening balances", [], opening, held), []
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == BATCH:
            yield _told(db, ledger, batch)
            batch = []
    if batch:
        yield _told(db, ledger, batch)
    following = until + timedelta(days=1)
    yield (
        "".join(
            f"{following} balance {names[one.account]}  {one.closing:f} {currency}\n"
            for one in balances
            if one.account not in INVENTORY_ACCOUNTS
        ),
        [],
    )


def _told(db: Session, ledger: Ledger, batch: list[Entry]) -> tuple[str, list[Entry]]:
    of_stock = {accounting.entry_id(entry.key[1]): entry.key[1] for entry in batch}
    documents = [of_stock[entry.id] for entry in batch if entry.id in of_stock]
    changes = lot_changes.of_documents(db, documents)
    text = "".join(ledger.entry(entry, changes.get(of_stock.get(entry.id, 0), [])) for entry in batch)
    return text, batch


def _head(
    db: Session,
    ledger: Ledger,
    items: dict[int, Subject],
    used: set[str],
    *,
    since: date,
    until: date,
    title: str,
    balances: Sequence[AccountTotal],
) -> str:
    total = sum((one.debit for one in balances), Decimal(0))
    parts = [
        f"; {_plain(title)}, {since} to {until}, for Beancount 3\n",
        f"; Control total of the debits: {total} {ledger.currency}\n",
        "; A lot has the maker's lot number and our receipt's; what is in no lot stands beside the lots.\n",
        f'option "title" "{_quoted(title)}"\n',
        f'option "operating_currency" "{ledger.currency}"\n\n',
    ]
    for account in mapping.accounts(db):
        name = ledger.accounts[account.code]
        if account.code not in used:
            continue
        told = f'  number: "{account.code}"\n  name: "{_quoted(account.name)}"\n'
        if account.code in INVENTORY_ACCOUNTS:
            parts.append(f'{since} open {name}:{LOTS} "STRICT"\n{told}')
            parts.append(f"{since} open {name}:{BESIDE} {ledger.currency}\n")
        else:
            parts.append(f"{since} open {name} {ledger.currency}\n{told}")
    for key, commodity in sorted(ledger.commodities.items(), key=lambda one: one[1]):
        item = items[key]
        parts.append(
            f"{since} commodity {commodity}\n"
            f'  sku: "{_quoted(item.sku)}"\n  name: "{_quoted(item.name)}"\n  unit: "{item.unit}"\n'
        )
    return "".join(parts) + "\n"


def _commodities(items: dict[int, Subject], currency: str) -> dict[int, str]:
    """A commodity for every item: its SKU where Beancount can read it as one, else its key."""
    found: dict[int, str] = {}
    for key, item in sorted(items.items()):
        name = re.sub(r"[^A-Z0-9._-]", "-", item.sku.upper())
        fits = re.fullmatch(r"[A-Z][A-Z0-9._-]{0,21}[A-Z0-9]", name) and name != currency
        found[key] = name if fits and name not in found.values() else f"ITEM-{key}"
    return found


def _plain(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _quoted(text: str) -> str:
    return _plain(text).replace("\\", "\\\\").replace('"', '\\"')
