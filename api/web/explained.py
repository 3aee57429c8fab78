"""What each of the clinic's settings is called and does, in a sentence for the person who sets it."""

from dataclasses import dataclass
from decimal import Decimal

from inventory.clinic import CostFormula
from inventory.defaults import Framework
from inventory.measures import plain

PERCENT = "%"


@dataclass(frozen=True)
class Explained:
    """A setting in people's words; a fraction is written in percent."""

    label: str
    sentence: str
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()

    def shown(self, value: str) -> str:
        """A value as it stands in a form: `0.15` is 15 where it is a percentage."""
        return plain(Decimal(value) * 100) if self.unit == PERCENT else value

    def kept(self, typed: str) -> str:
        """What was typed as it is kept; what is no number is left for the domain to refuse."""
        text = typed.strip()
        if self.unit != PERCENT or not text.isascii() or not text.replace(".", "", 1).isdigit():
            return text
        return plain(Decimal(text) / 100)

    def said(self, value: str) -> str:
        """A value as people read it."""
        words = dict(self.choices).get(value)
        return words or (f"{self.shown(value)} {self.unit}".strip())


FORMULAS = (
    (CostFormula.SPECIFIC.value, "Each delivery its own cost"),
    (CostFormula.FIFO.value, "The oldest cost first"),
    (CostFormula.WEIGHTED_AVERAGE.value, "The average of what is there"),
)

SETTINGS = {
    "clinic_name": Explained("Name of the clinic", "Stands on quotes, workbooks and printed pages."),
    "currency": Explained("Currency", "In which costs are kept and prices are quoted, by its three letters."),
    "cost_formula": Explained(
        "Which cost leaves the shelf",
        "Decides what a vial that is used cost; which vial is used is always the first to expire. "
        "Once stock was received it changes between two months only, under Books.",
        choices=FORMULAS,
    ),
    "accounting_framework": Explained(
        "Rules of accounting",
        "Decides whether short-dated stock that was written down may be worth more again.",
        choices=((Framework.US_GAAP.value, "US GAAP"), (Framework.IFRS.value, "IFRS")),
    ),
    "draw_loss_ml": Explained(
        "Lost on drawing up",
        "What stays in needle and hub for each product drawn, and is needed on top of the dose.",
        "mL",
    ),
    "sterile_product_limit": Explained(
        "Most sterile products in a mix",
        "A mix of more of them is flagged on the cost sheet, the quote and the session.",
        "products",
    ),
    "overhead_rate": Explained(
        "Overhead", "Rent, energy and insurance, added to the cost of stock and labour of a session.", PERCENT
    ),
    "target_margin_rate": Explained(
        "Target margin", "The share of the price that should be left when its cost is paid.", PERCENT
    ),
    "least_margin_rate": Explained(
        "Least margin", "Below this share no discount goes, unless a manager says why.", PERCENT
    ),
    "price_step": Explained("Price step", "Prices are rounded up to a multiple of it.", "money"),
    "validity_days": Explained("A quote is good for", "After so many days it lapses.", "days"),
    "desk_discount_rate": Explained(
        "Discount at the desk", "The most that the front desk and practitioners give of their own accord, "
        "where no rule of the clinic gives more.", PERCENT,
    ),
    "deposit_rate": Explained(
        "Deposit", "Part of the total that a quote asks for to book the first session; 0 asks for none.",
        PERCENT,
    ),
    "cancellation_policy": Explained(
        "Cancellation policy", "By its code: what a patient who ends a course is given back. Courses keep "
        "the one that they were sold under.",
    ),
    "expected_breakage_rate": Explained(
        "Sessions never asked for", "Share of paid sessions that is expected to be left; earned along with "
        "the others. Ask your auditor.", PERCENT,
    ),
    "document_language": Explained(
        "Language of documents", "In which quotes and the like are printed for patients.",
        choices=(("en", "English"), ("es", "Español")),
    ),
    "consultation_minutes": Explained(
        "Consultation", "Paid time before a session that is not part of the hour that is booked.", "minutes"
    ),
    "reorder_review_days": Explained(
        "You order every", "The reorder list looks ahead to the delivery after the next order.", "days"
    ),
    "service_level": Explained(
        "Service level", "How often stock should last until a delivery comes; more means more on the shelf.",
        PERCENT,
    ),
    "usage_window_days": Explained(
        "Use is learned from the last", "So many days of the ledger show what walk-in sessions use.", "days"
    ),
    "order_line_cost": Explained(
        "A line of an order costs",
        "The work to write, unpack and put it away: more means fewer, larger orders.",
    ),
    "holding_rate": Explained(
        "Keeping stock costs, a year",
        "Of its price, for money, room and insurance: more means less on the shelf.",
        PERCENT,
    ),
    "disposal_cost": Explained(
        "Throwing a container away costs", "Beyond its price, where it expires: more means smaller orders."
    ),
    "missing_item_cost": Explained(
        "A missing item costs",
        "What a session loses for which an item is missing: more means earlier orders.",
    ),
    "expiry_alert_days": Explained(
        "Warn of expiry ahead", "What expires within so many days stands among the alerts.", "days"
    ),
    "quarantine_alert_days": Explained(
        "Warn of what is held back", "A lot that waits longer for a decision stands among the alerts.", "days"
    ),
    "least_life_left_rate": Explained(
        "Short-dated below",
        "What comes with less of its shelf life left is taken only with a reason; 0 turns the warning off.",
        PERCENT,
    ),
    "recount_value": Explained(
        "Count again above", "A difference worth more is counted a second time; 0 turns this off.", "money"
    ),
    "recount_rate": Explained(
        "Count again above a share of",
        "A difference of more than this share of the book is counted a second time; 0 turns this off.",
        PERCENT,
    ),
    "trace_years": Explained(
        "Keep what a patient received for",
        "So long after the last session nobody is forgotten unless an admin says why, so that a recall finds "
        "everybody.", "years",
    ),
    "sign_in_days": Explained("Keep ended sign-ins for", "Then who was signed in is put away.", "days"),
    "request_key_days": Explained(
        "Keep answers for requests sent twice",
        "So long a request that is sent again has no second effect.", "days",
    ),
    "upload_days": Explained(
        "Keep lists that were brought for", "And workbooks that were asked for, as files.", "days"
    ),
    "access_log_days": Explained("Keep the log of requests for", "A file for each day.", "days"),
}  # fmt: skip
"""Every setting of `clinic.Settings`; a test finds one that is missing."""
