"""How numbers, dates and times are written for people; templates only show what these make of them."""

import re
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from babel.numbers import format_currency, is_currency

from inventory.measures import plain

LOCALE = "en_US"
NOUNS = {
    "vial": "vials", "ampoule": "ampoules", "prefilled_syringe": "syringes", "syringe": "syringes",
    "bottle": "bottles", "tube": "tubes", "box": "boxes", "bag": "bags", "kit": "kits", "jar": "jars",
}  # fmt: skip
SOON, LATER = 30, 90


def number(value: Decimal | int) -> str:
    """A quantity as it is: `1,250.5`; nothing is rounded and nothing is added."""
    return format(Decimal(value).normalize(), ",f") if value else "0"


def money(value: Decimal, currency: str) -> str:
    """An amount with its cents and currency: `$1,234.50`, `AMD 20,000.00`, `−$44.76`."""
    return _spaced(format_currency(value, currency, locale=LOCALE))


def each(value: Decimal, currency: str) -> str:
    """What one costs, with every decimal it has and its cents at least: `$64.128`."""
    exact = {"currency_digits": False, "decimal_quantization": False}
    return _spaced(format_currency(value.normalize(), currency, locale=LOCALE, **exact))


def _spaced(written: str) -> str:
    """A space after a currency that is written in letters, and a minus that is as wide as a figure."""
    return re.sub(r"(?<=[A-Z])(?=[0-9])", "\N{NO-BREAK SPACE}", written).replace("-", "\N{MINUS SIGN}")


def about(value: Decimal, places: int) -> str:
    """An estimate, with no more decimals than it deserves: `13.9`."""
    return number(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def quantity(value: Decimal, unit: str) -> str:
    """A quantity with its unit: `3.2 mL`; pieces are only counted."""
    return number(value) if unit == "each" else f"{number(value)}\N{NO-BREAK SPACE}{unit}"


def rough(value: Decimal, unit: str, *, up: bool = True) -> Decimal:
    """An estimate as exactly as it is meant: three digits, whole pieces; needs rounded up, stock down."""
    if value <= 0:
        return Decimal(0)
    step = Decimal(10) ** max(value.adjusted() - 2, 0 if unit == "each" else -1)
    return (value / step).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * step


def containers(count: int, form: str) -> str:
    """How many of what: `7 vials`, `1 ampoule`."""
    one, several = ("syringe", "syringes") if "syringe" in form else (form, NOUNS.get(form, ""))
    if not several:
        one, several = "piece", "pieces"
    return f"{number(count)}\N{NO-BREAK SPACE}{one if count == 1 else several}"


def day(value: date) -> str:
    """A date: `14 Dec 2026`."""
    return f"{value.day} {value:%b %Y}"


def short_day(value: date) -> str:
    """A date with its day, short: `Mon 14 Dec 2026`."""
    return f"{value:%a} {value.day} {value:%b %Y}"


def dated(text: str) -> str:
    """A sentence of the program with its dates and amounts as pages write them.

    `by 2026-01-31 (USD 20.00)` is `by 31 Jan 2026 ($20.00)`.
    """
    text = re.sub(r"\b([A-Z]{3}) ([0-9]+\.[0-9]{2})\b", _amount_of, text)
    return re.sub(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b", _day_of, text)


def _amount_of(found: re.Match[str]) -> str:
    return money(Decimal(found[2]), found[1]) if is_currency(found[1]) else found[0]


def _day_of(found: re.Match[str]) -> str:
    try:
        return day(date.fromisoformat(found[0]))
    except ValueError:
        return found[0]


def month_of(code: str) -> str:
    """A month: `2026-12` is `Dec 2026`."""
    return f"{date.fromisoformat(f'{code}-01'):%b %Y}"


def weekday(value: date) -> str:
    """A date with its day: `Monday, 14 December 2026`."""
    return f"{value:%A}, {value.day} {value:%B %Y}"


def moment(value: datetime, zone: str) -> str:
    """A time at the site: `14 Dec 2026, 09:00`."""
    local = value.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y}, {local:%H:%M}"


def short_moment(value: datetime, zone: str, now: datetime) -> str:
    """A time near to now: `today 09:00`, `14 Dec 09:00`; the year only where it is another."""
    local, today = value.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    clock = f"{local:%H:%M}"
    near = {today: "today", today + timedelta(days=1): "tomorrow", today - timedelta(days=1): "yesterday"}
    if local.date() in near:
        return f"{near[local.date()]} {clock}"
    year = "" if local.year == today.year else f" {local:%Y}"
    return f"{local.day} {local:%b}{year} {clock}"


def days_left(until: date, today: date) -> str:
    """How long a lot is still good: `expired`, `last day`, `12 days`, `7 months`."""
    left = (until - today).days
    if left < 0:
        return f"expired {days(-left)} ago"
    if left == 0:
        return "last day"
    if left <= LATER:
        return days(left)
    return f"{left // 30} months" if left < 730 else f"{left // 365} years"


def days(count: int) -> str:
    """`1 day`, `12 days`."""
    return "1 day" if count == 1 else f"{count} days"


def nearness(until: date, today: date) -> str:
    """How near an expiry is, for its colour: gone, soon, later or far."""
    left = (until - today).days
    return "gone" if left < 0 else "soon" if left <= SOON else "later" if left <= LATER else "far"


def time_left(until: datetime, now: datetime) -> str:
    """How long an opened vial is still good: `5 h 10 min`, `3 days 4 h`, `past`."""
    minutes = int((until - now).total_seconds() // 60)
    if minutes < 0:
        return "past its time"
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {rest} min"
    whole, hours = divmod(hours, 24)
    return f"{days(whole)} {hours} h" if whole < 7 else days(whole)


def words(code: str) -> str:
    """A word of the program as people say it: `single_dose_remainder` becomes `single dose remainder`."""
    return code.replace("_", " ")


def storage(code: str) -> str:
    """How something is kept: `room_15_25` becomes `Room, 15 to 25 °C`."""
    match = re.fullmatch(r"([a-z]+)_(-?[0-9]+)_(-?[0-9]+)", code)
    return f"{match[1].capitalize()}, {match[2]} to {match[3]} °C" if match else sentence(code)


def sentence(code: str) -> str:
    """The same with a capital: `Temperature excursion`."""
    return words(code).capitalize()


def capital(text: str) -> str:
    """A capital at the beginning, and nothing else changed: names keep theirs."""
    return text[:1].upper() + text[1:]


def initials(name: str) -> str:
    """`Maya Manager` becomes `MM`."""
    parts = name.split()
    return (parts[0][:1] + (parts[-1][:1] if len(parts) > 1 else "")).upper()


FILTERS = {
    function.__name__: function
    for function in (
        number, about, money, each, dated, quantity, rough, containers, day, days, short_day, month_of,
        weekday, moment, short_moment, days_left, nearness, time_left, words, storage, sentence, capital,
        initials, plain,
    )
}  # fmt: skip
