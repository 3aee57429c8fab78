"""Whatever stock, prices, level and discount: every session's price is in its band and above the floor."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from inventory import clinic
from pricing import price_list, proof, protocols, quotes
from pricing.sheets import LineKind
from pricing.stages import NoPrice
from tests.selling import Counter
from tests.shelf import BY, NOW, TODAY

SEEDS = 100
EACH = 10  # clinics; each is asked for so many offers


def test_a_hundred_random_offers_keep_to_band_and_floor_or_are_refused(db):
    refused = 0
    for seed in range(SEEDS // EACH):
        attempt = db.begin_nested()
        refused += offers_of_one_clinic(db, Random(seed))
        attempt.rollback()
        db.expire_all()

    assert 0 < refused < SEEDS / 2  # both happen


def offers_of_one_clinic(db, chance):
    """Ask a random clinic for offers; how many it refused because no price is possible."""
    counter = random_clinic(db, chance)
    refused = 0
    for _ in range(EACH):
        request = counter.request(
            protocol=chance.choice(["P-00", "P-01"]),
            level=chance.choice(["L2", "LX"]),
            starts_on=TODAY + timedelta(days=chance.randint(0, 60)),
            sessions=chance.randint(3, 6),
            interval_weeks=chance.randint(2, 4),
            discount_rate=Decimal(chance.randint(0, 100_000)) / 100_000,
        )
        try:
            offer = quotes.offer(db, request, site=counter.site, on=TODAY)
        except NoPrice:
            refused += 1
            continue
        check(offer)
        quotes.write(db, request, [offer], site=counter.site, at=NOW, by=BY)
    assert proof.verify(db) == []
    return refused


def check(offer):
    price, sessions = offer.price, offer.cost.sessions
    band = price.band
    assert all(band.low <= one <= band.high for one in price.session_prices)
    assert min(price.session_prices) >= price.floor
    assert sum(price.session_prices) == price.subtotal - price.discount
    assert max(price.session_prices) - min(price.session_prices) <= Decimal("0.01")
    assert price.total == (
        price.subtotal - price.discount if price.tax_rule.inclusive else price.net + price.tax
    )
    for session in sessions:
        for basis in ("actual", "average", "replacement"):
            assert getattr(session, basis) == sum(getattr(line, basis) for line in session.lines)
        for line in session.lines:
            assert line.quantity >= 0
            assert line.discarded >= 0
            if line.kind is LineKind.INJECTABLE:
                assert line.actual >= 0
    assert [one.on for one in sessions] == sorted(one.on for one in sessions)
    short = {sku for session in sessions for sku in session.short_of}
    assert {one.sku for one in offer.cost.shortages} == short


def random_clinic(db, chance):
    """A clinic with random stock, prices, band, tax, level and settings."""
    counter = Counter(db, share_opened_vials=chance.random() < 0.5)
    counter.clinic.add_items(
        """
        HA      3 mL single_dose +0.15 of hyaluronate
        HALARGE 5 mL single_dose       of hyaluronate
        LIDO   20 mL multi_dose 28 d
        CREAM  30 g  none topical
        NEEDLE  1 each none consumable
        """
    )
    for sku in ("HA", "HALARGE", "LIDO", "CREAM", "NEEDLE"):
        if chance.random() < 0.8:
            counter.offer(sku, f"{chance.randint(1, 25)} x {money(chance, 1, 9_000)}")
        for number in range(chance.randint(0, 3)):
            expires = date(2026, 1, 20) + timedelta(days=chance.randint(0, 200))
            counter.clinic.receive(
                sku, f"{sku}{number} exp {expires} {chance.randint(1, 8)} x {money(chance, 0, 4_000)}"
            )
    counter.uses("CREAM 10", f"NEEDLE {chance.randint(1, 9)}")
    counter.recipe(f"HA {chance.randint(1, 60) / 10}", f"LIDO {chance.randint(1, 50) / 10}")
    counter.recipe(f"of hyaluronate {chance.randint(1, 120) / 10} mL", code="F-91", protocol="P-01")
    counter.level("LX", money(chance, 0, 15_000), multiplier=money(chance, 10, 300))
    low = chance.randint(1, 40_000)
    counter.band(str(Decimal(low) / 100), str(Decimal(low + chance.randint(0, 60_000)) / 100), "PB-X", TODAY)
    if chance.random() < 0.7:
        counter.tax(str(Decimal(chance.randint(0, 25_000)) / 100_000), inclusive=chance.random() < 0.5)
    for key, value in (
        ("overhead_rate", chance.randint(0, 50)),
        ("target_margin_rate", chance.randint(0, 90)),
        ("least_margin_rate", chance.randint(0, 60)),
    ):
        clinic.change_setting(db, key, str(Decimal(value) / 100), at=NOW, by=BY)
    clinic.change_setting(db, "price_step", chance.choice(["0.01", "1", "5.00", "25"]), at=NOW, by=BY)
    if chance.random() < 0.3:
        price_list.set_list_price(
            db,
            protocols.protocol(db, "P-00"),
            price_list.level(db, "LX"),
            Decimal(money(chance, 100, 90_000)),
            valid_from=TODAY,
            at=NOW,
            by=BY,
        )
    return counter


def money(chance, least, most):
    return str(Decimal(chance.randint(least, most)) / 100)
