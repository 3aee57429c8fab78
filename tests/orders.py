"""Draws what a reorder rule is given: an item's shelf, plans and use as short pictures; and terms."""

from datetime import date
from decimal import Decimal

from inventory import levels, reordering, weighing
from inventory.catalog import Replacement, Supplier
from inventory.clinic import Settings, Site
from inventory.evidence import Ahead, Evidence, Line
from inventory.levels import Outlook, Terms
from inventory.reordering import Advice
from inventory.usage import Batch, ItemFacts
from tests.shelf import TODAY

WEEKLY = Settings(reorder_review_days=7, service_level=Decimal("0.95"))
SHARING = Site(code="MAIN", country="US", tax_region="", time_zone="UTC", share_opened_vials=True)


def offer(
    *, pack: int = 10, price: str = "165.00", minimum: int = 1, lead: int = 10, **more: object
) -> Terms:
    """What Northfield asks; `took` and `lives` are what its deliveries showed, the rest is the supplier's."""
    learned = {name: tuple(more.pop(name, ())) for name in ("took", "lives")}
    breaks = tuple(more.pop("breaks", ()))
    asked = Replacement(1, "SUP-01", "Northfield", pack, Decimal(price), minimum, lead, breaks, 1)
    return Terms(asked, northfield(**more), **learned)


def northfield(**terms: object) -> Supplier:
    """A supplier that ships free, takes any order on any day, and may ask for other terms."""
    usual = {"minimum_order": Decimal(0), "shipping": Decimal(0), "order_days": "", "cold_days": ""}
    usual |= {"currency": "USD"}
    return Supplier(id=1, code="SUP-01", name="Northfield", **(usual | terms))


def facts(
    shelf: str = "",
    *,
    planned: str = "",
    use: tuple[str, int] = ("0", 0),
    days: int = 90,
    content: str = "3",
    keeps: int | None = 18,
    sku: str = "HA",
) -> ItemFacts:
    """An item whose shelf is drawn as `2026-03-31 30, 2026-09-30 15`: the last day and how much.

    Planned sessions alike; `use` is how much was used on how many days of the window.
    """
    much, often = use
    return ItemFacts(
        item_id=1,
        sku=sku,
        name="HA 2 %",
        unit="mL",
        content=Decimal(content),
        shelf_life_months=keeps,
        batches=tuple(Batch(day, held) for day, held in drawn(shelf)),
        planned=tuple(drawn(planned)),
        daily=(Decimal(much),) * often,
        days=days,
        used=Decimal(much) * often,
    )


def seen(item: ItemFacts) -> Evidence:
    """The evidence that such facts leave: a session a day of use, evenly spread, and what is planned."""
    often = len(item.daily)
    lines = [Line(item.item_id, place * item.days // often, dose) for place, dose in enumerate(item.daily)]
    ahead = [Ahead(day, quantity, 1) for day, quantity in item.planned]
    return Evidence(days=item.days, lines=tuple(lines), ahead={item.item_id: ahead} if ahead else {})


def drawn(picture: str) -> list[tuple[date, Decimal]]:
    pairs = [part.split() for part in picture.split(",") if part.strip()]
    return [(date.fromisoformat(day), Decimal(held)) for day, held in pairs]


def both(item: ItemFacts, terms: Terms | None, known: Evidence | None = None) -> tuple[Advice, Outlook]:
    known = seen(item) if known is None else known
    return propose(item, terms, known, site=SHARING, on=TODAY, settings=WEEKLY)


def advice(item: ItemFacts, terms: Terms | None) -> Advice:
    return both(item, terms)[0]


def propose(
    item: ItemFacts, terms: Terms | None, seen: Evidence, *, site: Site, on: date, settings: Settings
) -> tuple[Advice, Outlook]:
    """The advice on one item by itself, and how it stands."""
    found = levels.outlook(item, terms, on=on, settings=settings)
    told = weighing.items([found], seen, site=site, on=on, rules=())
    weighed = weighing.weigh([found], told, settings=settings, on=on)
    return reordering.decided(found, weighed.get(item.item_id), settings=settings), found
