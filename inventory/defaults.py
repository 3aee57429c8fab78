"""Defaults: every setting of the clinic, what it is until somebody chooses, and where that comes from."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class CostFormula(StrEnum):
    """Which cost leaves the shelf, whichever vial is drawn (C1)."""

    SPECIFIC = "specific"
    FIFO = "fifo"
    WEIGHTED_AVERAGE = "weighted_average"


class Framework(StrEnum):
    """By which rules the accounts are kept, where the two differ."""

    US_GAAP = "us_gaap"
    IFRS = "ifrs"


@dataclass(frozen=True)
class Settings:
    """Every setting of the clinic with its default; `SOURCES` says where each default comes from."""

    clinic_name: str = "Clinic"
    currency: str = "USD"
    cost_formula: CostFormula = CostFormula.SPECIFIC
    accounting_framework: Framework = Framework.US_GAAP
    draw_loss_ml: Decimal = Decimal("0.10")
    sterile_product_limit: int = 3
    overhead_rate: Decimal = Decimal("0.15")
    target_margin_rate: Decimal = Decimal("0.50")
    least_margin_rate: Decimal = Decimal("0.20")
    price_step: Decimal = Decimal("5.00")
    validity_days: int = 30
    desk_discount_rate: Decimal = Decimal("0.10")
    deposit_rate: Decimal = Decimal(0)
    document_language: str = "en"
    cancellation_policy: str = "PC-00"
    expected_breakage_rate: Decimal = Decimal(0)
    consultation_minutes: int = 0
    reorder_review_days: int = 7
    service_level: Decimal = Decimal("0.95")
    usage_window_days: int = 90
    order_line_cost: Decimal = Decimal("8.00")
    holding_rate: Decimal = Decimal("0.25")
    disposal_cost: Decimal = Decimal("1.00")
    missing_item_cost: Decimal = Decimal("60.00")
    expiry_alert_days: int = 30
    quarantine_alert_days: int = 14
    least_life_left_rate: Decimal = Decimal("0.50")
    recount_value: Decimal = Decimal("50.00")
    recount_rate: Decimal = Decimal("0.25")
    trace_years: int = 15
    sign_in_days: int = 30
    request_key_days: int = 30
    upload_days: int = 7
    access_log_days: int = 90


SOURCES = {
    "clinic_name": "the clinic's own",
    "currency": "the clinic's own",
    "cost_formula": "vialbook's default; for goods that are alike IAS 2 knows first in, first out and "
    "weighted average, so ask your accountant",
    "accounting_framework": "with the currency; a write-down comes back under IFRS (IAS 2.33), never under "
    "US GAAP (ASC 330-10-35-14)",
    "draw_loss_ml": "vialbook's default: 0.10 mL for each product drawn; weigh your own needles and syringes",
    "sterile_product_limit": "USP chapter 797 of 2023 on immediate use: not more than 3 sterile products",
    "overhead_rate": "illustrative; take yours from last year's accounts",
    "target_margin_rate": "illustrative; yours is a decision",
    "least_margin_rate": "illustrative; yours is a decision",
    "price_step": "illustrative: prices that end in 0 or 5",
    "validity_days": "illustrative: a month",
    "desk_discount_rate": "illustrative; beyond it a manager decides",
    "deposit_rate": "none until you ask for one; twenty to fifty percent is often seen",
    "document_language": "the clinic's own",
    "cancellation_policy": "illustrative: what single sessions would have cost is kept, the rest given back",
    "expected_breakage_rate": "none; an auditor asks for the clinic's own experience before any other number",
    "consultation_minutes": "our reading of two articles on mesotherapy: it is part of the hour, 20 minutes "
    "of numbing and 40 of treatment; set it where it is extra",
    "reorder_review_days": "illustrative: an order a week",
    "service_level": "illustrative: no shortage in 95 of 100 orders",
    "usage_window_days": "illustrative: a quarter of a year",
    "order_line_cost": "illustrative: a quarter of an hour to write, unpack and put away a line",
    "holding_rate": "illustrative: money, fridge and insurance for a year; 20 to 30 percent is often seen",
    "disposal_cost": "illustrative: what the waste contractor takes for a vial",
    "missing_item_cost": "illustrative: the margin of the session, or part of it, that a missing item costs",
    "expiry_alert_days": "illustrative: a month to use it up or send it back",
    "quarantine_alert_days": "illustrative: two weeks to hear from the supplier",
    "least_life_left_rate": "illustrative: half of the shelf life left on receipt",
    "recount_value": "illustrative: a second count costs minutes",
    "recount_rate": "illustrative: one in four",
    "trace_years": "illustrative; ask a lawyer how long your country has a recall trace kept",
    "sign_in_days": "illustrative: a month to look into who was there",
    "request_key_days": "a computer may be off over a holiday, and its retry has one effect still",
    "upload_days": "illustrative: a week to look at a list again",
    "access_log_days": "illustrative: a quarter of a year",
}
"""Where each default comes from, in words for the people of the clinic."""


FRACTIONS = frozenset(
    {
        "overhead_rate",
        "target_margin_rate",
        "least_margin_rate",
        "service_level",
        "holding_rate",
        "least_life_left_rate",
        "deposit_rate",
        "desk_discount_rate",
        "expected_breakage_rate",
        "recount_rate",
    }
)
ABOVE_ZERO = frozenset({
    "price_step", "reorder_review_days", "usage_window_days",
    "trace_years", "sign_in_days", "request_key_days", "upload_days", "access_log_days",
})  # fmt: skip
"""Settings that something is divided by, and times for which something is kept."""
MOST_DECIMALS = {
    "price_step": 2, "draw_loss_ml": 4, "recount_value": 2,
    "order_line_cost": 2, "disposal_cost": 2, "missing_item_cost": 2,
}  # fmt: skip
OTHER_DECIMALS = 6
