"""The columns of the accountants' workbook, sheet by sheet (B5)."""

from api.listings import Column
from api.spreadsheets import Look
from pricing.chart import Flow

IN_COLUMNS = tuple(flow for flow in Flow if flow is not Flow.WITHIN)

ITEM = (Column("Item no.", Look.KEY), Column("SKU"), Column("Item"))

MOVEMENTS = (
    Column("Movement", Look.KEY), Column("Date", Look.DATE), Column("Entry"), Column("Act"), *ITEM,
    Column("Lot"), Column("From"), Column("To"), Column("Flow"), Column("Quantity", Look.QUANTITY),
    Column("Unit"), Column("Stock change", Look.QUANTITY), Column("Value change", Look.MONEY, total=True),
    Column("Reason"), Column("Reference"), Column("Note"), Column("By"),
    Column("Recorded (UTC)", Look.INSTANT), Column("Reverses", Look.KEY),
)  # fmt: skip
TREATMENTS = (
    Column("Date", Look.DATE), Column("Session", Look.KEY), Column("Entry"), Column("Patient"),
    Column("Formulation"), Column("Level"), *ITEM, Column("Lot"), Column("Used", Look.QUANTITY),
    Column("Discarded", Look.QUANTITY), Column("Unit"), Column("Value used", Look.MONEY, total=True),
    Column("Value discarded", Look.MONEY, total=True), Column("Cost", Look.MONEY, total=True),
)  # fmt: skip
WASTAGE = (
    Column("Reason"), Column("Account"), Column("Account name"), *ITEM, Column("Lot"),
    Column("Expires", Look.DATE), Column("Quantity", Look.QUANTITY), Column("Unit"),
    Column("Value", Look.MONEY, total=True),
)  # fmt: skip
QUOTES = (
    Column("Date", Look.DATE), Column("Number"), Column("Version", Look.KEY), Column("Status"),
    Column("Protocol"), Column("Patient"), Column("Sessions", Look.WHOLE), Column("Currency"),
    Column("Subtotal", Look.AMOUNT, total=True), Column("Discount", Look.AMOUNT, total=True),
    Column("Tax", Look.AMOUNT, total=True), Column("Tax is"), Column("Total", Look.AMOUNT, total=True),
    Column("Valid until", Look.DATE),
)  # fmt: skip
PURCHASES_SHEET = "Purchases and GRNI"
PURCHASES = (
    Column("Date", Look.DATE), Column("Event"), Column("Entry"), Column("Supplier"), Column("Reference"),
    *ITEM, Column("Lot"), Column("Quantity", Look.QUANTITY), Column("Unit"),
    Column("Value", Look.MONEY, total=True), Column("Open at the end", Look.MONEY, total=True),
    Column("Days open", Look.WHOLE),
)  # fmt: skip
COURSES_SHEET = "Courses and deferred revenue"
COURSES = (
    Column("Course", Look.KEY), Column("Patient"), Column("Sold", Look.DATE), Column("Ended"),
    Column("Sessions", Look.WHOLE), Column("Used", Look.WHOLE), Column("Owed", Look.WHOLE, total=True),
    Column("Price", Look.AMOUNT, total=True), Column("Paid", Look.AMOUNT, total=True),
    Column("Earned", Look.MONEY, total=True), Column("Deferred before", Look.MONEY, total=True),
    Column("Deferred change", Look.MONEY, total=True), Column("Deferred", Look.MONEY, total=True),
    Column("Receivable before", Look.MONEY, total=True), Column("Receivable change", Look.MONEY, total=True),
    Column("Receivable", Look.MONEY, total=True),
)  # fmt: skip
JOURNAL = (
    Column("Date", Look.DATE), Column("Entry"), Column("Course", Look.KEY), Column("Description"),
    Column("Account"),
    Column("Account name"), Column("Debit", Look.MONEY, total=True), Column("Credit", Look.MONEY, total=True),
)  # fmt: skip
VALUATION = (
    *ITEM, Column("Kind"), Column("Lot"), Column("Expires", Look.DATE), Column("Days left", Look.WHOLE),
    Column("Place"), Column("Quantity", Look.QUANTITY), Column("Unit"), Column("Unit cost", Look.UNIT_COST),
    Column("Value", Look.MONEY, total=True), Column("Last count", Look.DATE),
)  # fmt: skip
ROLL_FORWARD = (
    *ITEM, Column("Kind"), Column("Unit"),
    *(Column(f"{name} qty", Look.QUANTITY)
      for name in ("Opening", *(flow.heading for flow in IN_COLUMNS), "Closing")),
    *(Column(f"{name} value", Look.MONEY, total=True)
      for name in ("Opening", *(flow.heading for flow in IN_COLUMNS), "Closing")),
    Column("Valuation qty", Look.QUANTITY), Column("Difference qty", Look.QUANTITY, zero=True),
    Column("Valuation value", Look.MONEY, total=True), Column("Difference value", Look.MONEY, zero=True),
)  # fmt: skip

LISTINGS = (
    ("Roll-forward", ROLL_FORWARD, "D2"),
    ("Valuation", VALUATION, "D2"),
    ("Movements", MOVEMENTS, "B2"),
    ("Cost of treatment", TREATMENTS, "C2"),
    ("Wastage", WASTAGE, "A2"),
    (PURCHASES_SHEET, PURCHASES, "C2"),
    ("Quotes", QUOTES, "C2"),
    (COURSES_SHEET, COURSES, "C2"),
    ("Journal", JOURNAL, "A2"),
)
"""The detail sheets in their order, their columns, and the first cell of each that scrolls."""
