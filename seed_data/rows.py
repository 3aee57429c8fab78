"""What a row of each seed table says in the book's own columns, units and dose classes."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from inventory.catalog import DoseClass, ItemKind
from inventory.measures import Unit
from pricing.chart import AccountKind, Side, Statement
from pricing.formulations import LineKind
from pricing.policies import RefundRule
from pricing.protocols import Step, TechniqueFamily

OFFERS_FROM = date(2025, 1, 1)  # illustrative: before anything the demo clinic buys
HUNDRED = Decimal(100)

Row = Mapping[str, str]
Values = dict[str, Any]

DOSE_CLASSES = {
    "single_dose": DoseClass.SINGLE_DOSE,
    "single_dose_kit": DoseClass.KIT,
    "multi_dose": DoseClass.MULTI_DOSE,
    "pharmacy_bulk": DoseClass.PHARMACY_BULK,
    "topical_multi_use": DoseClass.NONE,
    "not_applicable": DoseClass.NONE,
}
"""What the products table calls a dose class, in the words of rule S2."""


MEDICINES = ("licensed medicine", "Rx", "FDA approved")
"""How the class of what only a prescriber may order begins; a device or a cosmetic needs none."""


def ingredient(row: Row) -> Values:
    return {
        "code": row["ingredient_code"],
        "name": row["name"],
        "category": row["seed_category"],
        "role": row["role"],
        "allergen_class": row["allergen_class"],
        "contraindications": row["contraindication_class"],
        "regulatory_note": row["regulatory_note"],
        "illustrative": illustrative(row),
        "source": _source(row),
    }


def supplier(row: Row) -> Values:
    return {
        "code": row["supplier_code"],
        "name": row["name"],
        "kind": row["type"],
        "country": row["country"],
        "currency": row["currency"],
        "payment_days": int(row["payment_terms_days"]),
        "lead_days": int(row["lead_time_days"]),
        "minimum_order": Decimal(row["min_order"]),
        "shipping": Decimal(row["shipping_flat"]),
        "cold_chain": row["cold_chain"] == "Y",
        "returns_rule": row["returns_rule"],
        "illustrative": illustrative(row),
        "source": row["source"],
    }


def product(row: Row) -> Values:
    kind = ItemKind.INJECTABLE
    if row["sku"].startswith(("TA-", "AC-")):
        kind = ItemKind.RETAIL if row["category"] == "aftercare retail" else ItemKind.TOPICAL
    # A powder vial has no volume until it is made up: it is counted as one.
    by_the_vial = row["unit_uom"] == "vial"
    return {
        "sku": row["sku"],
        "name": row["name"],
        "maker": row["maker"],
        "kind": kind,
        "category": row["category"],
        "unit": Unit.EACH if by_the_vial else Unit(row["unit_uom"]),
        "content": Decimal(1) if by_the_vial else Decimal(row["unit_volume"]),
        "overfill": Decimal(row["overfill_ml_usp1151"] or 0),
        "container_form": row["container_form"],
        "dose_class": DOSE_CLASSES[row["dose_class"]],
        "in_use_hours": int(row["in_use_hours_max"]) or None,  # 0: the label gives no time after opening
        "sterile": kind is ItemKind.INJECTABLE,
        "prescription_only": kind is ItemKind.INJECTABLE and row["regulatory_class"].startswith(MEDICINES),
        "storage": row["storage_class"],
        "shelf_life_months": int(row["shelf_life_months"]),
        "pack_containers": int(row["pack_qty"]),
        "gtin": row["gtin14_each_illustrative"],
        "pack_gtin": row["gtin14_pack_illustrative"],
        "illustrative": illustrative(row),
        "note": _joined(row["note"], f"regulatory class: {row['regulatory_class']}"),
        "source": _source(row),
    }


def consumable(row: Row) -> Values:
    return {
        "sku": row["code"],
        "name": row["name"],
        "maker": "",
        "kind": ItemKind.RETAIL if row["group"] == "retail" else ItemKind.CONSUMABLE,
        "category": row["group"],
        "unit": Unit.EACH,
        "content": Decimal(1),
        "overfill": Decimal(0),
        "container_form": row["unit"],
        "dose_class": DoseClass.NONE,
        "in_use_hours": None,
        "sterile": row["sterile"] == "Y",
        "prescription_only": False,
        "storage": "room_15_25",
        "shelf_life_months": int(row["shelf_life_months"]),
        "pack_containers": int(row["pack_qty"]),
        "gtin": None,
        "pack_gtin": None,
        "illustrative": illustrative(row),
        "note": row["note"],
        "source": _source(row),
    }


def offer(row: Row) -> Values:
    return {
        "pack_containers": int(row["pack_qty"]),
        "pack_price": Decimal(row["pack_price_usd"]),
        **_on_its_list(row),
        "minimum_packs": 1,
        "lead_days": int(row["lead_time_days"]),
        "valid_from": OFFERS_FROM,
        "source": _joined(row["source"], "date and minimum illustrative"),
    }


def _on_its_list(row: Row) -> Values:
    """The price in the supplier's own currency, where that is another."""
    currency = row.get("price_currency", "USD")
    if currency == "USD":
        return {"list_price": None, "list_currency": ""}
    return {"list_price": Decimal(row["pack_price_original"]), "list_currency": currency}


def formulation(row: Row) -> Values:
    return {
        "code": row["formulation_code"],
        "name": row["name"],
        "concern": row["concern"],
        "area": row["area"],
        "technique": row["technique"],
        "total_volume_ml": Decimal(row["total_volume_ml"]),
        "preparation_rule": row["preparation_rule"],
        "active": row["inactive_by_default"] != "Y",
        "illustrative": illustrative(row),
        "note": row["note"],
        "source": row["source"],
    }


def formulation_line(row: Row) -> Values:
    return {
        "line_no": int(row["line_no"]),
        "kind": LineKind(row["line_type"]),
        "name": row["name"],
        "quantity": Decimal(row["quantity"]) if row["quantity"] else None,
        "unit": Unit(row["uom"]) if row["uom"] else None,
        "declared_amount": row["declared_amount"],
        "role": row["role"],
        "source": row["source"],
    }


def protocol(row: Row) -> Values:
    texts = ("concern", "area", "technique", "treatment", "source_covers", "note", "source")
    measures = [name for name in row if name.startswith(("volume_ml_", "depth_mm_"))]
    counts = [
        name
        for name in row
        if name.startswith(("sessions_", "interval_", "session_minutes_", "result_", "maintenance_"))
    ]
    return (
        {"code": row["protocol_code"], "illustrative": illustrative(row)}
        | {name: row[name] for name in texts}
        | {name: Decimal(row[name]) for name in measures}
        | {name: int(row[name]) for name in (*counts, "numbing_minutes", "injection_points_typical")}
    )


def technique(row: Row) -> Values:
    return {
        "name": row["technique"],
        "family": TechniqueFamily(row["family"]),
        "source": row["source"],
    }


def technique_step(row: Row) -> Values:
    return {
        "family": TechniqueFamily(row["family"]),
        "step": Step(row["step"]),
        "quantity": Decimal(row["quantity"]),
        "illustrative": illustrative(row),
        "note": row["note"],
        "source": row["source"],
    }


def level(row: Row) -> Values:
    return {
        "code": row["level_code"],
        "name": row["level"],
        "multiplier": Decimal(row["price_multiplier"]),
        "labour_rate": Decimal(row["labour_cost_usd_per_hour"]),
        "can_prescribe": row["can_prescribe"],
        "may_inject_rx": row["may_inject_rx"],
        "needs_supervision": row["needs_supervision"],
        "commission_rate": Decimal(row["typical_commission_pct"]) / HUNDRED,
        "illustrative": illustrative(row),
        "note": row["note"],
        "source": row["source"],
    }


def price_band(row: Row) -> Values:
    return {
        "code": row["band_code"],
        "region": row["region"],
        "country": row["country"],
        "currency": row["currency"],
        "treatment": row["treatment"],
        "family": row["treatment_family"],
        "area": row["area"],
        "unit": row["unit"],
        "low": Decimal(row["low"]),
        "high": Decimal(row["high"]),
        "valid_from": date.fromisoformat(row["effective_from"]),
        "illustrative": illustrative(row),
        "note": _joined(f"as of {row['as_of']}", row["note"]),
        "source": row["source"],
    }


def tax_rule(row: Row) -> Values:
    return {
        "code": row["rule_code"],
        "country": row["country"],
        "region": row["region"],
        "name": row["tax_name"],
        "supply": row["supply"],
        "treatment": row["treatment"],
        "rate": Decimal(row["rate_pct"]) / HUNDRED if row["rate_pct"] else None,
        "effective_from": date.fromisoformat(row["effective_from"]),
        "effective_to": _date(row["effective_to"]),
        "inclusive": row["price_display"] == "inclusive",
        "evidence": row["evidence"],
        "illustrative": illustrative(row),
        "source": row["source"],
    }


def vial_rule(row: Row) -> Values:
    return {
        "code": row["rule_id"],
        "jurisdiction": row["jurisdiction"],
        "country": row["country"],
        "region": row["region"],
        "dose_class": row["dose_class"],
        "container_form": row["container_form"],
        "ingredient_code": row["ingredient_code"],
        "environment": row["environment_code"],
        "max_hours": int(row["max_hours"]) if row["max_hours"] else None,
        "max_days": int(row["max_days"]) if row["max_days"] else None,
        "automatic": row["automatic"] == "Y",
        "effective_from": _date(row["effective_from"]),
        "effective_to": _date(row["effective_to"]),
        "text": row["rule_text"],
        "status": row["status"],
        "source": row["source"],
    }


def policy(row: Row) -> Values:
    """A cancellation policy."""
    return {
        "code": row["policy_code"],
        "country": row["country"],
        "currency": row["currency"],
        "valid_months": int(row["package_valid_months"]) if row["package_valid_months"] else None,
        "notice_hours": int(row["notice_hours"]),
        "refund": RefundRule(row["refund"]),
        "credit": row["credit"] == "Y",
        "admin_fee": Decimal(row["admin_fee"]),
        "transfers": int(row["transfers"]),
        "changes": int(row["changes"]) if row["changes"] else None,
        "late_fee": Decimal(row["late_fee"]),
        "late_rate": Decimal(row["late_rate"]),
        "no_show_fee": Decimal(row["no_show_fee"]),
        "no_show_rate": Decimal(row["no_show_rate"]),
        "no_show_uses_session": row["no_show_uses_session"] == "Y",
        "refund_words": row["refund_rule"],
        "missed_words": row["deposit_or_no_show_rule"],
        "illustrative": illustrative(row),
        "source": row["source"],
    }


def account(row: Row) -> Values:
    return {
        "code": row["account_code"],
        "name": row["name"],
        "kind": AccountKind(row["type"]),
        "normal_balance": Side(row["normal_balance"]),
        "statement": Statement(row["statement"]),
        "xero_type": row["xero_type"],
        "qbo_type": row["qbo_type"],
        "tax_default": row["tax_default"],
        "description": row["description"],
        "illustrative": illustrative(row),
        "source": row["source"],
    }


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def illustrative(row: Row) -> bool:
    return row["illustrative"] != "N"


def _source(row: Row) -> str:
    """The source, and what of the row it covers where the rest is invented."""
    return f"{row['source']} (covers: {row['source_covers']})" if row["source_covers"] else row["source"]


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))
