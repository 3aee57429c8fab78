"""Opening stock: what the clinic held before its books began comes onto the shelf, owed to nobody (B1)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from inventory import clinic, ledger, lots, periods
from inventory import places as shelving
from inventory.balances import LotFacts
from inventory.catalog import Item, Supplier
from inventory.clinic import CostFormula, Place, PlaceKind, Site
from inventory.database import add_many, reserve_keys, sql_list, table_of
from inventory.errors import Invalid, Refusal
from inventory.layers import LAYERS, Want
from inventory.layers import add as add_layers
from inventory.ledger import BROUGHT_IN, DOCUMENTS, DocumentKind, Move
from inventory.lots import Lot, LotEvent, LotState
from inventory.measures import LARGEST_MONEY, LARGEST_QUANTITY, places, to_cents_half_up
from inventory.receiving import MOST_CONTAINERS, NotAReceipt, Receipt

LOTS = table_of(Lot)
Key = tuple[int, str]
"""A lot as its label has it: the item and the maker's number."""


@dataclass(frozen=True, slots=True)
class Held:
    """One line of what was held: so many sealed containers of one lot, what each cost, since when."""

    item: Item
    lot_number: str
    expires_on: date
    containers: int
    unit_cost: Decimal
    on: date
    produced_on: date | None = None
    supplier: Supplier | None = None
    place: str = ""  # the code or name of a shelf; none: the first that the label allows


@dataclass(frozen=True)
class Checked:
    """What the record says to each line: a refusal or none, and what a manager should know."""

    refusals: Mapping[int, Refusal]  # by the line's place in the list
    warnings: Mapping[int, str]
    known: Mapping[Key, "Known"]
    shelves: Mapping[tuple[str, str], int]  # by the place that is named and the item's storage


@dataclass(frozen=True, slots=True)
class Known:
    """A lot that is on record."""

    id: int
    expires_on: date
    received_on: date
    state: LotState


class ExpiresBeforeProduced(Invalid):
    """No label says that a lot expired before it was made."""


class NotYet(Invalid):
    """Opening stock was held before the books began; it cannot have come in the future."""


def check(db: Session, lines: Sequence[Held], *, site: Site, recorded_at: datetime) -> Checked:
    """Hold every line against the record, and against the lines before it, without writing anything."""
    ids = _ids(lines)
    known = dict(_known(db, lines, ids))
    today = site.day(recorded_at)
    closed = periods.closed_through(db)
    shelves: dict[tuple[str, str], int | Refusal] = {}
    storage = {item: item.storage for item in ids}
    there = [place for place in shelving.of_site(db, site, shelves_only=True) if place.active]
    refusals: dict[int, Refusal] = {}
    warnings: dict[int, str] = {}
    expiries = {key: lot.expires_on for key, lot in known.items()}
    for place, line in enumerate(lines):
        key = (ids[line.item], line.lot_number)
        refusal = _refusal(line, expiries.get(key), today=today)
        if refusal is None and closed is not None and line.on <= closed:
            refusal = periods.PeriodClosed(
                f"The books are closed through {closed}; nothing can be dated {line.on}.", field="on"
            )
        named = (line.place, storage[line.item])
        if named not in shelves:
            shelves[named] = _shelf(line, there, site=site)
        shelf = shelves[named]
        if refusal is None and isinstance(shelf, Refusal):
            refusal = shelf
        if refusal is not None:
            refusals[place] = refusal
            continue
        expiries[key] = line.expires_on
        if warning := _warning(line, known.get(key), today=today):
            warnings[place] = warning
    found = {named: shelf for named, shelf in shelves.items() if isinstance(shelf, int)}
    return Checked(refusals, warnings, known, found)


def bring_in(
    db: Session,
    lines: Sequence[Held],
    *,
    site: Site,
    recorded_at: datetime,
    by: str,
    reference: str,
    checked: Checked | None = None,
) -> list[str]:
    """Put what was held on the shelf, all or nothing; answers each line's warning, or nothing.

    Each line is a document, a receipt and a cost layer of its own. Raises the first refusal of `check`.
    """
    if not lines:
        return []
    lock(db, lines)
    if checked is None:
        checked = check(db, lines, site=site, recorded_at=recorded_at)
    for refusal in checked.refusals.values():
        raise refusal
    shelving.hold(db, sql_list(checked.shelves.values()))
    _write(db, lines, checked, site=site, recorded_at=recorded_at, by=by, reference=reference)
    return [checked.warnings.get(place, "") for place in range(len(lines))]


def lock(db: Session, lines: Sequence[Held]) -> None:
    """Keep the items of the lines to ourselves, so that what was checked is so when it is written."""
    ledger.lock_items(db, sql_list(_ids(lines).values()))


def _ids(lines: Sequence[Held]) -> dict[Item, int]:
    """The key of every item: an object that is kept by the database's session answers slowly."""
    return {item: item.id for item in {line.item for line in lines}}


def _known(db: Session, lines: Sequence[Held], ids: Mapping[Item, int]) -> Iterator[tuple[Key, Known]]:
    columns = (LOTS.c.item_id, LOTS.c.number, LOTS.c.id, LOTS.c.expires_on, LOTS.c.received_on, LOTS.c.state)
    wanted = {(ids[line.item], line.lot_number) for line in lines}
    numbers = {number for _, number in wanted}
    found = sa.select(*columns).where(LOTS.c.item_id.in_(sql_list(ids.values())))
    if len(numbers) <= lots.MOST_SOUGHT:  # else to send all the numbers takes longer than to read the lots
        found = found.where(LOTS.c.number.in_(numbers))
    for item_id, number, *rest in db.execute(found):
        if (item_id, number) in wanted:
            yield (item_id, number), Known(*rest)


def _shelf(line: Held, there: Sequence[Place], *, site: Site) -> int | Refusal:
    """The shelf of a line: the one it names by code or name, else the first that its label allows."""
    words = line.place.casefold()
    named = [place for place in there if words in ("", place.code.casefold(), place.name.casefold())]
    if not named:
        listed = ", ".join(place.code for place in there)
        words = f"{site.code} has no shelf called {line.place!r}; it has {listed}."
        return shelving.UnknownPlace(words, field="place")
    for place in named:
        if shelving.allows(line.item.storage, place.temperature):
            return place.id
    where = f"{named[0].name} is not" if words else f"no shelf of {site.code} is"
    return shelving.WrongTemperature(
        f"{line.item.sku} is kept at {line.item.storage}, and {where}.", field="place"
    )


def _refusal(line: Held, expires_on: date | None, *, today: date) -> Refusal | None:
    try:
        lots.check_number(line.lot_number)
    except Refusal as refusal:
        return lots.BadLotNumber(str(refusal), field="lot_number")
    if not 0 < line.containers <= MOST_CONTAINERS:
        words = f"A line has 1 to {MOST_CONTAINERS} containers, not {line.containers}."
        return NotAReceipt(words, field="containers")
    if line.containers * line.item.content > LARGEST_QUANTITY:
        words = f"{line.containers} containers of {line.item.sku} are more than {LARGEST_QUANTITY}."
        return NotAReceipt(words, field="containers")
    if not 0 <= line.unit_cost <= LARGEST_MONEY or places(line.unit_cost) > 6:
        words = f"{line.unit_cost} cannot be the cost of one container (at most six decimals)."
        return NotAReceipt(words, field="unit_cost")
    if line.containers * line.unit_cost > LARGEST_MONEY:
        words = f"{line.containers} containers at {line.unit_cost} exceed {LARGEST_MONEY}."
        return NotAReceipt(words, field="unit_cost")
    if line.on > today:
        return NotYet(f"{line.on} lies in the future.", field="on")
    if line.produced_on is not None and line.produced_on > line.expires_on:
        return ExpiresBeforeProduced(
            f"Lot {line.lot_number} would have expired on {line.expires_on}, before it was produced on "
            f"{line.produced_on}.",
            field="expires_on",
        )
    if expires_on is not None and expires_on != line.expires_on:
        return lots.ExpiryDisagrees(
            f"Lot {line.lot_number} of {line.item.sku} is on record as expiring on {expires_on}, "
            f"not {line.expires_on}.",
            field="expires_on",
        )
    return None


def _warning(line: Held, lot: Known | None, *, today: date) -> str:
    said = []
    if line.expires_on < today:
        said.append(f"Lot {line.lot_number} expired on {line.expires_on}: it comes into quarantine.")
    elif lot is not None and lot.state is not LotState.RELEASED:
        said.append(f"Lot {line.lot_number} is {lot.state}: what comes goes to quarantine.")
    if lot is not None:
        said.append(f"Lot {line.lot_number} of {line.item.sku} is on record already; this adds to it.")
    return " ".join(said)


def _write(
    db: Session,
    lines: Sequence[Held],
    checked: Checked,
    *,
    site: Site,
    recorded_at: datetime,
    by: str,
    reference: str,
) -> None:
    facts, held_back = _register(db, lines, checked.known, site=site, recorded_at=recorded_at, by=by)
    documents = reserve_keys(db, DOCUMENTS, len(lines))
    moments = {line.on: site.moment_on(line.on, recorded_at) for line in lines}
    add_many(
        db,
        DOCUMENTS,
        ("id", "kind", "site_id", "on", "at", "recorded_at", "by", "reference"),
        (
            (key, DocumentKind.OPENING_STOCK, site.id, line.on, moments[line.on], recorded_at, by, reference)
            for key, line in zip(documents, lines, strict=True)
        ),
    )
    ids = _ids(lines)
    content, storage = ({item: getattr(item, name) for item in ids} for name in ("content", "storage"))
    stocks = [content[line.item] * line.containers for line in lines]
    values = [to_cents_half_up(line.containers * line.unit_cost) for line in lines]
    layers = _add_layers(db, lines, facts, stocks, values)
    here = clinic.places(db, site.id)
    posted: dict[date, list[tuple[int, Move]]] = defaultdict(list)
    receipts = []
    for line, document, stock, value, layer in zip(lines, documents, stocks, values, layers, strict=True):
        lot = facts[ids[line.item], line.lot_number]
        shelf = checked.shelves[line.place, storage[line.item]]
        target = here[PlaceKind.QUARANTINE] if lot.id in held_back else shelf
        move = Move(lot, here[PlaceKind.SUPPLIER], target, stock, 1, value, layer, reason=BROUGHT_IN)
        posted[line.on].append((document, move))
        supplier = None if line.supplier is None else line.supplier.id
        receipts.append(
            (document, site.id, lot.item_id, lot.id, supplier, line.on, line.containers, line.unit_cost,
             stock, value, layer)
        )  # fmt: skip
    held = frozenset(clinic.held_places(db))
    for on in sorted(posted):
        ledger.post_many(db, on, posted[on], held=held)
    names = (
        "document_id", "site_id", "item_id", "lot_id", "supplier_id", "received_on", "containers",
        "unit_cost", "quantity", "value", "layer_id",
    )  # fmt: skip
    add_many(db, table_of(Receipt), names, receipts)


def _register(
    db: Session,
    lines: Sequence[Held],
    known: Mapping[Key, Known],
    *,
    site: Site,
    recorded_at: datetime,
    by: str,
) -> tuple[dict[Key, LotFacts], set[int]]:
    """Every line's lot, the new ones added, and which of them are held back."""
    first: dict[Key, Held] = {}
    since: dict[Key, date] = {}
    item_ids = _ids(lines)
    for line in lines:
        key = (item_ids[line.item], line.lot_number)
        first.setdefault(key, line)
        since[key] = min(since.get(key, line.on), line.on)
    new = [key for key in first if key not in known]
    ids = dict(zip(new, reserve_keys(db, LOTS, len(new)), strict=True))
    today = site.day(recorded_at)
    expired = {key for key in new if first[key].expires_on < today}
    rows = (
        (ids[key], key[0], key[1], first[key].expires_on, first[key].produced_on, since[key],
         LotState.QUARANTINED if key in expired else LotState.RELEASED)
        for key in new
    )  # fmt: skip
    columns = ("id", "item_id", "number", "expires_on", "produced_on", "received_on", "state")
    add_many(db, LOTS, columns, rows)
    events = (
        (ids[key], LotState.QUARANTINED, recorded_at, by, "expired on receipt")
        for key in new
        if key in expired
    )
    add_many(db, table_of(LotEvent), ("lot_id", "state", "at", "by", "reason"), events)
    facts, held_back = {}, {ids[key] for key in expired}
    for key, line in first.items():
        lot = known.get(key)
        began = since[key] if lot is None else min(lot.received_on, since[key])
        facts[key] = LotFacts(ids[key] if lot is None else lot.id, key[0], line.expires_on, began)
        if lot is not None and lot.state is not LotState.RELEASED:
            held_back.add(lot.id)
        if lot is not None and began < lot.received_on:
            db.execute(sa.update(Lot).where(Lot.id == lot.id).values(received_on=began))
        if lot is not None and lot.state is LotState.RELEASED and line.expires_on < today:
            held_back.add(lot.id)
            subject = db.get_one(Lot, lot.id, populate_existing=True)
            lots.change_state(db, subject, LotState.QUARANTINED, at=recorded_at, by=by, reason="expired")
    return facts, held_back


def _add_layers(
    db: Session,
    lines: Sequence[Held],
    facts: Mapping[Key, LotFacts],
    stocks: Sequence[Decimal],
    values: Sequence[Decimal],
) -> Sequence[int]:
    """A cost layer for each line; under the weighted average one addition to each item's pool (C1)."""
    formula, item_ids = clinic.settings(db).cost_formula, _ids(lines)
    if formula is not CostFormula.WEIGHTED_AVERAGE:
        ids = reserve_keys(db, LAYERS, len(lines))
        rows = (
            (key, item_ids[line.item], facts[item_ids[line.item], line.lot_number].id, line.on, stock, value)
            for key, line, stock, value in zip(ids, lines, stocks, values, strict=True)
        )
        names = ("id", "item_id", "lot_id", "received_on", "quantity_left", "value_left")
        add_many(db, LAYERS, names, rows)
        return ids
    pooled: dict[int, tuple[Decimal, Decimal, date]] = {}
    for line, stock, value in zip(lines, stocks, values, strict=True):
        quantity_so_far, value_so_far, since = pooled.get(
            item_ids[line.item], (Decimal(0), Decimal(0), line.on)
        )
        pooled[item_ids[line.item]] = quantity_so_far + stock, value_so_far + value, min(since, line.on)
    pools = {
        item_id: add_layers(db, formula, [(Want(item_id, 0, stock), value)], received_on=since)[0]
        for item_id, (stock, value, since) in pooled.items()
    }
    return [pools[item_ids[line.item]] for line in lines]
