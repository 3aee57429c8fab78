"""Languages: what the patient's documents say, a file for each language; another one is one file more."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources

FIRST = "en"  # spoken where a language is not known, and in place of what one lacks


@dataclass(frozen=True)
class Language:
    """One language in one country: its texts, lists and names, and how it writes days and amounts."""

    code: str
    country: str
    texts: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """A text with its values in place."""
        return self.texts[key].format(**values)

    def name(self, words: str) -> str:
        """What the clinic calls something, in this language if it is known, with a capital letter."""
        said = self.names.get(words, words)
        return said[:1].upper() + said[1:]

    @property
    def locale(self) -> str:
        """The locale by which days and amounts are written: the language as the country writes it."""
        from babel import Locale, UnknownLocaleError

        try:
            return str(Locale(self.code, self.country))
        except UnknownLocaleError:
            return self.code

    def day(self, value: date, *, weekday: bool = False) -> str:
        """A day: `14 December 2026` in the words and order of the place."""
        from babel.dates import format_date

        return format_date(value, "full" if weekday else "long", locale=self.locale)

    def money(self, amount: Decimal, currency: str) -> str:
        """An amount with its currency: `$1,234.50`, `1.234,50 €`."""
        from babel.numbers import format_currency

        return format_currency(amount, currency, locale=self.locale)

    def number(self, value: Decimal) -> str:
        """A number: `6.35`, `6,35`."""
        from babel.numbers import format_decimal

        return format_decimal(value, locale=self.locale)


@cache
def known() -> tuple[str, ...]:
    """The codes of the languages that there are, the first one first."""
    found = sorted(
        file.name[:-5] for file in resources.files(__package__).iterdir() if file.name.endswith(".toml")
    )
    return (FIRST, *(code for code in found if code != FIRST))


@cache
def language(code: str, country: str = "US") -> Language:
    """A language as a country writes it; the first language where the code is not known."""
    chosen = code if code in known() else FIRST
    base, own = _read(FIRST), _read(chosen)
    return Language(
        code=chosen,
        country=country,
        texts=base["texts"] | own["texts"],
        lists={key: tuple(lines) for key, lines in (base["lists"] | own["lists"]).items()},
        names=own["names"],
    )


@cache
def _read(code: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((resources.files(__package__) / f"{code}.toml").read_text("utf-8"))
