"""Write the corpus: `python -m tests.corpus.write`. A test holds that what is kept is what this writes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.corpus import ranges, written_files, written_http
from tests.corpus.honest import HONEST

FOLDER = Path(__file__).parent
Case = dict[str, Any]

EXACT = {
    "POST /receipts": ["unit_cost"],
    "POST /write-offs": ["quantity"],
    "POST /items": ["content"],
    "POST /list-prices": ["price"],
    "POST /courses/@course/payments": ["amount"],
    "POST /quotes": ["discount_rate"],
}
"""Fields that hold an exact number."""
WHOLE = {
    "POST /receipts": ["containers"],
    "POST /quotes": ["sessions", "interval_weeks"],
    "POST /suppliers": ["lead_days"],
    "POST /offers": ["pack_containers"],
    "POST /discounts": ["from_sessions"],
}
DAYS = {
    "POST /receipts": ["expires_on", "received_on"],
    "POST /quotes": ["starts_on"],
    "POST /offers": ["valid_from"],
    "POST /courses/@course/payments": ["on"],
    "POST /courses/@course/sessions/1/move": ["planned_on"],
}
MOMENTS = {
    "POST /sessions": ["at"],
    "POST /opened-vials": ["at"],
    "POST /transfers": ["at"],
    "POST /moves": ["at"],
}
WORDS = {
    "POST /receipts": ["sku", "lot_number", "site"],
    "POST /sessions": ["patient_ref"],
    "POST /suppliers": ["code", "name"],
    "POST /items": ["sku", "name", "unit", "dose_class"],
    "POST /quotes": ["protocol", "level"],
    "POST /sites": ["code", "country", "time_zone"],
    "POST /transfers": ["target"],
    "POST /moves": ["to"],
    "POST /discounts": ["code", "source"],
    "POST /purchase-orders": ["supplier"],
    "POST /courses/@course/payments": ["method"],
    "POST /courses/@course/transfer": ["patient_ref", "reason"],
    "POST /lots/@only_south/recall": ["reason"],
    "POST /sites/MAIN/places": ["code", "temperature"],
}
"""Fields that hold a text which must be there."""


def main() -> None:
    """Write every category."""
    for name, text in written().items():
        (FOLDER / name).write_text(text, "ascii")


def written() -> dict[str, str]:
    """Each category's file as it should stand."""
    found = {}
    for category, make in CATEGORIES.items():
        lines = [
            json.dumps({"id": f"{category}-{number:04}"} | case)
            for number, case in enumerate(make(), start=1)
        ]
        found[f"{category}.jsonl"] = "\n".join(lines) + "\n"
    return found


def wrong(fields: dict[str, list[str]], values: list[Any]) -> Iterator[Case]:
    """Each of the fields as each of the values."""
    for call, names in fields.items():
        for name in names:
            for value in values:
                yield {"send": call, "body": HONEST[call] | {name: value}, "expect": [422]}


def types() -> Iterator[Case]:
    yield from wrong(WORDS, ranges.TYPES)
    for call, honest in HONEST.items():
        yield {"send": call, "body": honest | {"colour": "red"}, "expect": [422]}
        yield {"send": call, "body": honest | {"__proto__": {"role": "admin"}}, "expect": [422]}
        for body in ([], [honest], "text", 5, True, 1.5):
            yield {"send": call, "text": json.dumps(body), "expect": [400]}
        # An empty body is one without any field; null is no object.
        yield {"send": call, "text": "null", "expect": [400]}
    for line in (
        None,
        5,
        "x",
        [],
        {},
        {"sku": "MP-001"},
        {"quantity": "1"},
        {"sku": "MP-001", "quantity": 1},
    ):
        yield {
            "send": "POST /sessions",
            "body": HONEST["POST /sessions"] | {"lines": [line]},
            "expect": [422],
        }
        yield {
            "send": "POST /transfers",
            "body": HONEST["POST /transfers"] | {"lines": [line]},
            "expect": [422],
        }
        yield {"send": "POST /moves", "body": HONEST["POST /moves"] | {"lines": [line]}, "expect": [422]}


def numbers() -> Iterator[Case]:
    yield from wrong(EXACT, ranges.NUMBERS)
    yield from wrong(WHOLE, ranges.WHOLE_NUMBERS)
    for value in ("0", "-1", "501", "1.5", "abc", "", "9" * 30, "٣", "1e1", "%00", "1;"):
        for path in ("/lots", "/items", "/movements", "/sessions", "/quotes"):
            yield {"send": f"GET {path}?limit={quote(value, safe='%')}", "expect": [422]}


def dates() -> Iterator[Case]:
    yield from wrong(DAYS, ranges.DAYS)
    yield from wrong(MOMENTS, ranges.MOMENTS)
    for value in ranges.DAYS:
        if isinstance(value, str):
            for path in ("/stock?on=", "/movements?from=", "/journal?from=2026-01-01&to="):
                yield {"send": f"GET {path}{quote(value)}", "expect": [422]}


def letters() -> Iterator[Case]:
    fields = {
        "POST /receipts": ["lot_number"],
        "POST /sessions": ["patient_ref"],
        "POST /suppliers": ["name"],
        "POST /lots/@only_south/quarantine": ["reason"],
    }
    yield from wrong(fields, ranges.LETTERS)
    yield from wrong(WORDS, ranges.LONG)
    for text in ranges.LETTERS:
        if not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
            yield {"send": f"GET /items/{quote(text)}", "expect": [404]}
            yield {"send": f"GET /stock?sku={quote(text)}", "expect": [404, 422]}


def ids() -> Iterator[Case]:
    nouns = ("lots", "sessions", "quotes", "movements", "receipts", "purchase-orders", "counts", "transfers",
             "courses", "opened-vials")  # fmt: skip
    for key in ranges.KEYS_IN_ADDRESSES:
        for noun in nouns:
            yield {"send": f"GET /{noun}/{key}", "expect": [404]}
        yield {"send": f"POST /lots/{key}/recall", "body": {"reason": "x"}, "expect": [404]}
        yield {"send": f"POST /movements/{key}/reverse", "body": {"reason": "x"}, "expect": [404]}
        yield {"send": f"GET /movements?lot={key}", "expect": [200, 404, 422]}
    for value in ("0", 0, -1, 10**18, 10**30, "1", 1.0, [], {}, True, 999_999):
        for call, name in (("POST /write-offs", "lot"), ("POST /opened-vials", "lot")):
            status = 404 if value == 999_999 else 422
            yield {"send": call, "body": HONEST[call] | {name: value}, "expect": [status]}


def injections() -> Iterator[Case]:
    for text in [*ranges.SQL, *ranges.SCRIPTS, *ranges.TEMPLATES, *ranges.FORMULAS]:
        said = quote(text, safe="")
        absent = {"absent": text} if "<" in text else {}
        yield {"send": f"GET /stock?sku={said}", "expect": [404, 422]}
        yield {"send": f"GET /lots?sku={said}", "expect": [200, 404, 422]}
        yield {"send": f"GET /patients/{said}/lots", "expect": [404, 422] if "/" in text else [422]}
        yield {"send": f"GET /stock?q={said}", "page": True, "expect": [200]} | absent
        yield {"send": f"GET /patients?ref={said}", "page": True, "expect": [200, 422]} | absent
        yield {
            "send": "POST /sessions",
            "body": HONEST["POST /sessions"] | {"patient_ref": text},
            "expect": [422],
        }
        yield {
            "send": "POST /quotes",
            "body": HONEST["POST /quotes"] | {"protocol": text},
            "expect": [404, 422],
        }


def paths() -> Iterator[Case]:
    for path in ranges.PATHS:
        for before in ("/static/x/", "/api/v1/docs/", "/api/v1/", "/help/", "/books/workbook/"):
            yield {
                "send": f"GET {before}{path}",
                "page": True,
                "expect": [303, 308, 400, 404],
                "absent": "root:",
            }
        yield {"send": f"GET /api/v1/imports/{path}/template.xlsx", "expect": [404]}


CATEGORIES = {
    "types": types,
    "numbers": numbers,
    "dates": dates,
    "letters": letters,
    "ids": ids,
    "injections": injections,
    "paths": paths,
    "bodies": written_http.bodies,
    "requests": written_http.requests,
    "keys": written_http.keys,
    "csv": written_files.csv,
    "workbooks": written_files.workbooks,
    "sockets": written_http.sockets,
}

if __name__ == "__main__":
    main()
