"""Bodies that would be accepted as they are: every hostile one is one of these with something wrong in it."""

from typing import Any

RECEIPT = {
    "sku": "MP-001", "lot_number": "B18", "expires_on": "2026-12-31", "containers": 5, "unit_cost": "16.50",
    "supplier": "SUP-01", "document": "DN-1", "received_on": "2026-01-14", "site": "MAIN",
}  # fmt: skip
LINE = {"sku": "MP-001", "quantity": "2.5"}
SESSION = {"patient_ref": "P-100", "at": "2026-01-15T09:30:00-05:00", "site": "MAIN", "lines": [LINE]}
QUOTE = {
    "protocol": "P-00", "level": "L2", "site": "MAIN", "starts_on": "2026-01-20", "sessions": 4,
    "interval_weeks": 2, "patient_ref": "P-100", "screening": {"allergies": []}, "discount_rate": "0.05",
}  # fmt: skip
WHY = {"reason": "an error"}

HONEST: dict[str, dict[str, Any]] = {
    "POST /receipts": RECEIPT,
    "POST /sessions": SESSION,
    "POST /quotes": QUOTE,
    "POST /costings": {"protocol": "P-00", "level": "L2", "site": "MAIN", "on": "2026-01-20"},
    "POST /write-offs": {
        "lot": "@SINGLE", "quantity": "3", "reason": "broken", "note": "fell", "site": "MAIN",
    },
    "POST /opened-vials": {"lot": "@MULTI", "at": "2026-01-15T09:30:00-05:00", "site": "MAIN"},
    "POST /items": {
        "sku": "VITC-5", "name": "Vitamin C", "kind": "injectable", "unit": "mL", "content": "5",
        "dose_class": "single_dose", "sterile": True,
    },
    "POST /suppliers": {"code": "SUP-77", "name": "Harbour", "minimum_order": "100.00", "lead_days": 3},
    "POST /offers": {
        "sku": "MP-001", "supplier": "SUP-01", "pack_containers": 10, "pack_price": "165.00",
        "valid_from": "2026-01-01",
    },
    "POST /sites": {
        "code": "NORTH", "name": "North", "country": "US", "region": "North America",
        "time_zone": "America/Chicago",
    },
    "POST /sites/MAIN/places": {"code": "FRIDGE2", "name": "Second fridge", "temperature": "cold"},
    "POST /list-prices": {
        "protocol": "P-00", "level": "L2", "price": "320.00", "valid_from": "2026-01-01",
    },
    "POST /discounts": {
        "code": "SUMMER", "name": "Summer", "from_sessions": 3, "rate": "0.05", "valid_from": "2026-01-01",
        "source": "the board",
    },
    "POST /purchase-orders": {
        "supplier": "SUP-01", "site": "MAIN", "note": "by courier",
        "lines": [{"sku": "MP-001", "packs": 2, "pack_containers": 10, "pack_price": "165.00"}],
    },
    "POST /moves": {
        "to": "DRAWER", "site": "MAIN", "lines": [{"sku": "MP-001", "containers": 1}],
        "reason": "checked", "at": "2026-01-15T09:30:00-05:00",
    },
    "POST /transfers": {
        "site": "MAIN", "target": "SOUTH", "lines": [{"sku": "MP-001", "containers": 1}], "note": "by car",
        "at": "2026-01-15T09:30:00-05:00",
    },
    "POST /counts": {"site": "MAIN", "skus": ["MP-001"], "blind": True, "rota": False},
    "POST /courses/@course/payments": {
        "amount": "10.00", "method": "cash", "deposit": False, "on": "2026-01-15", "note": "at the desk",
    },
    "POST /courses/@course/transfer": {"patient_ref": "P-8", "reason": "a gift"},
    "POST /courses/@course/sessions/1/move": {"planned_on": "2026-02-20", "reason": "ill"},
    "POST /lots/@only_south/quarantine": WHY,
    "POST /lots/@only_south/recall": WHY,
    "POST /scans": {"data": "]d20109521234543213"},
    "POST /calendars": {"site": "MAIN"},
}  # fmt: skip
"""A call, and a body that it accepts in the corpus' clinic."""
