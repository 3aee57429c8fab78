"""Pages: two versions of a quote side by side, what differs marked; none is cancelled by looking (P4)."""

from dataclasses import dataclass

from flask import Response, g, request

from api.web import formats, frame, quote_form, selling
from api.web.quote_pages import found
from inventory.clinic import Site
from pricing import quote_life, quote_records
from pricing.quote_records import Quote
from pricing.quote_records import QuoteStatus as Status

blueprint = frame.chapter("quote_versions")


@dataclass(frozen=True)
class Version:
    """One version and where it stands today."""

    quote: Quote
    status: Status
    tag: str


@dataclass(frozen=True)
class Row:
    """One fact of two versions."""

    name: str
    left: tuple[str, ...]
    right: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return self.left != self.right


@blueprint.get("/quotes/<id:quote_id>/versions")
def compare(quote_id: int) -> Response:
    """A version beside another, by default the one before it."""
    subject, _, site = found(quote_id)
    versions = _versions(subject, site)
    numbers = (quote_records.state(g.db, one.quote).number for one in versions)
    number = next((one for one in numbers if one), None)  # a draft has none of its own yet
    keys = [one.quote.id for one in versions]
    other = request.args.get("with", "")
    place = keys.index(subject.id)
    before = place - 1 if place else min(1, len(keys) - 1)
    beside = keys.index(int(other)) if other in map(str, keys) else before
    left, right = sorted((place, beside))
    first, second = versions[left], versions[right]
    facts = [_facts(one.quote) for one in (first, second)]
    names = list(dict.fromkeys([*facts[0], *facts[1]]))
    return frame.page(
        "quote_versions.html",
        name=f"Quote {number}" if number else "Drafts",
        quote=subject,
        versions=versions,
        first=first,
        second=second,
        rows=[Row(name, *(lines(one.get(name, "–")) for one in facts)) for name in names],
    )


def lines(fact: str | tuple[str, ...]) -> tuple[str, ...]:
    """A fact line by line; most have one."""
    return (fact,) if isinstance(fact, str) else fact


def _versions(subject: Quote, site: Site) -> list[Version]:
    today = site.day(g.now)
    return [
        Version(
            one, status := quote_life.status_on(quote_records.state(g.db, one), today), selling.TAGS[status]
        )
        for one in quote_records.versions_of(g.db, subject)
    ]


def _facts(quote: Quote) -> dict[str, str | tuple[str, ...]]:
    """What a version promises, in words; its cost and margin for who sees them."""
    treatments = quote_records.treatments_of(g.db, quote)
    comes_to = quote_records.totals(treatments)
    found: dict[str, str | tuple[str, ...]] = {}
    for place, one in enumerate(treatments, start=1):
        lead = f"{place}. " if len(treatments) > 1 else ""
        found |= {f"{lead}{name}": text for name, text in _treatment(one).items()}
    listed = selling.said(quote_records.warnings_of(treatments), costs=frame.sees_costs())
    cautions = tuple(one.text.partition(" The quote cannot")[0] for one in listed)
    found |= {
        "Discount": formats.money(comes_to.discount, quote.currency),
        "Tax": formats.money(comes_to.tax, quote.currency),
        "Total": formats.money(comes_to.total, quote.currency),
        "Deposit": formats.money(comes_to.deposit, quote.currency),
        "To look at": cautions or "nothing",
        "Made": f"{formats.day(frame.here().day(quote.created_at))}, {quote.created_by}",
    }
    if frame.sees_costs():
        found["Cost"] = formats.money(comes_to.cost, quote.currency)
        found["Margin"] = formats.money(comes_to.total - comes_to.tax - comes_to.cost, quote.currency)
    return found


def _treatment(one: Quote) -> dict[str, str]:
    protocol, level = quote_form.title_of(g.db, one)
    offered = quote_records.sessions_of(g.db, one)
    weeks = "every week" if one.interval_weeks == 1 else f"every {one.interval_weeks} weeks"
    return {
        "Treatment": f"{formats.capital(protocol.concern)}, {protocol.area} ({protocol.code})",
        "By": level.name,
        "Sessions": f"{one.sessions}, {weeks}",
        "From": formats.day(one.starts_on),
        "A session": formats.money(offered[0].price, one.currency),
        "Band": " to ".join(formats.money(end, one.currency) for end in (one.band_low, one.band_high)),
        "Discount by": one.discount_name or ("typed" if one.discount_rate else "none"),
    }
