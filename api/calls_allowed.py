"""Which role may make which call: the roles, who they are together, and the one table."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is to the clinic."""

    MANAGER = "manager"
    FRONT_DESK = "front_desk"
    ACCOUNTANT = "accountant"
    PRACTITIONER = "practitioner"
    ADMIN = "admin"

    @property
    def spoken(self) -> str:
        """The role in a sentence: `front desk`."""
        return self.value.replace("_", " ")


EVERYONE = frozenset(Role)
BOOKS = frozenset({Role.MANAGER, Role.ACCOUNTANT, Role.ADMIN})  # who see costs (P5)
STOCKROOM = frozenset({Role.MANAGER, Role.ADMIN})
TREATMENT = STOCKROOM | {Role.PRACTITIONER}
COUNTS = TREATMENT | BOOKS  # who count, and who read what was counted
CLINICAL = frozenset({Role.PRACTITIONER})  # who may override an allergen match (T6)
FRONT = TREATMENT | {Role.FRONT_DESK}
OVER_WARNINGS = frozenset({Role.ADMIN, Role.ACCOUNTANT})  # who close a month with something left to do (B4)
ADMINS = frozenset({Role.ADMIN})

OPEN = frozenset(
    {
        "GET /health",
        "GET /ready",
        "GET /metrics",
        "GET /api/v1/openapi.json",
        "GET /api/v1/docs",
        "GET /api/v1/docs/<path:file>",
        "GET /api/v1/calendars/<code:secret>.ics",
    }
)
"""Calls that anybody may make without signing in."""

ASKING = frozenset({"POST /api/v1/scans", "POST /api/v1/costings"})
"""Calls that have a body, as a question may, and add nothing."""

MAY: dict[str, frozenset[Role]] = {
    f"{method} /api/v1{rule}": roles
    for roles, calls in (
        (
            EVERYONE,
            """
            GET /sites
            GET /sites/<code:code>/places
            GET /sites/<code:code>/places/<code:place>
            GET /sites/<code:code>/places/<code:place>/stock
            GET /transfers
            GET /transfers/<id:transfer_id>
            GET /ingredients
            GET /items
            GET /items/<code:sku>
            POST /scans
            GET /stock
            GET /lots
            GET /lots/<id:lot_id>
            GET /lots/<id:lot_id>/trace
            GET /lots/<id:lot_id>/history
            GET /lots/<id:lot_id>/recall-report
            GET /lots/<id:lot_id>/recall-report.pdf
            GET /movements
            GET /movements/<id:movement_id>
            GET /sessions
            GET /sessions/<id:session_id>
            GET /sessions/<id:session_id>/lots
            GET /patients/<path:patient_ref>/lots
            GET /opened-vials
            GET /opened-vials/<id:vial_id>
            GET /opened-vials/<id:vial_id>/label.pdf
            GET /opened-vials/labels.pdf
            GET /opened-vials/to-discard
            GET /quotes
            GET /quotes/<id:quote_id>
            GET /quotes/<id:quote_id>/versions
            GET /quotes/<id:quote_id>.pdf
            GET /courses
            GET /courses/<id:course_id>
            GET /courses/<id:course_id>/refund
            GET /formulations
            GET /formulations/<code:code>
            GET /protocols
            GET /protocols/<code:code>
            GET /levels
            GET /levels/<code:code>
            GET /discounts
            GET /discounts/<code:code>
            GET /reorder-advice
            GET /reorder-advice/<code:sku>
            GET /purchase-orders
            GET /purchase-orders/<id:order_id>
            GET /alerts
            GET /calendars
            POST /calendars
            POST /calendars/<id:calendar_id>/end
            """,
        ),
        (
            BOOKS,
            """
            GET /settings
            GET /settings/<code:key>
            GET /suppliers
            GET /suppliers/<code:code>
            GET /offers
            GET /receipts/<id:receipt_id>
            GET /purchase-orders/<id:order_id>/order.pdf
            GET /purchase-orders/<id:order_id>/order.xlsx
            POST /costings
            GET /quotes/<id:quote_id>/drift
            GET /quotes/<id:quote_id>/prospect
            GET /conversion
            GET /exports/conversion.csv
            GET /exports/conversion.xlsx
            GET /deferred-revenue
            GET /valuation
            GET /journal
            GET /trial-balance
            GET /roll-forward
            GET /reconciliation
            GET /supplier-invoices
            GET /supplier-invoices/<id:invoice_id>
            POST /supplier-invoices
            POST /supplier-invoices/<id:invoice_id>/take-back
            GET /goods-received-not-invoiced
            GET /write-downs
            GET /write-downs/candidates
            POST /write-downs
            POST /write-downs/<id:write_down_id>/take-back
            GET /cost-formula
            GET /cost-formula/effect
            POST /cost-formula
            GET /periods
            GET /periods/<code:month>
            POST /periods/<code:month>/close
            GET /audit-trail
            GET /audit-trail/anchor
            GET /exports/audit-trail.csv
            GET /exports/audit-trail.xlsx
            GET /exports/accounting.xlsx
            GET /exports/journal
            GET /accounts
            GET /accounts/<code:code>
            PATCH /accounts/<code:code>
            """,
        ),
        (
            COUNTS,
            """
            GET /counts
            GET /counts/<id:count_id>
            GET /counts/<id:count_id>/sheet.pdf
            GET /counts/<id:count_id>/sheet.xlsx
            """,
        ),
        (
            STOCKROOM,
            """
            POST /sites
            POST /sites/<code:code>/places
            PUT /sites/<code:code>/places/<code:place>
            POST /transfers
            POST /transfers/<id:transfer_id>/cancel
            PUT /settings/<code:key>
            POST /items
            PATCH /items/<code:sku>
            POST /suppliers
            PATCH /suppliers/<code:code>
            POST /offers
            PATCH /levels/<code:code>
            POST /list-prices
            POST /discounts
            POST /discounts/<code:code>/end
            POST /receipts
            POST /purchase-orders
            PUT /purchase-orders/<id:order_id>
            POST /purchase-orders/<id:order_id>/send
            POST /purchase-orders/<id:order_id>/receive
            POST /purchase-orders/<id:order_id>/close
            POST /purchase-orders/<id:order_id>/cancel
            GET /imports
            GET /imports/<id:import_id>
            POST /imports/<id:import_id>/undo
            GET /imports/<code:kind>/template.xlsx
            POST /imports/<code:kind>
            POST /imports/<code:kind>/corrected.xlsx
            POST /lots/<id:lot_id>/release
            POST /lots/<id:lot_id>/recall
            POST /counts/<id:count_id>/post
            POST /counts/<id:count_id>/abandon
            POST /movements/<id:movement_id>/reverse
            POST /documents/<id:document_id>/reverse
            POST /write-offs
            POST /courses/<id:course_id>/sessions/<id:number>/take-back
            """,
        ),
        (
            TREATMENT,
            """
            POST /lots/<id:lot_id>/quarantine
            POST /counts
            PUT /counts/<id:count_id>/lines
            POST /counts/<id:count_id>/lines
            POST /counts/<id:count_id>/scan
            POST /counts/<id:count_id>/sheet
            POST /moves
            POST /transfers/<id:transfer_id>/receive
            POST /sessions
            POST /sessions/<id:session_id>/reverse
            POST /courses/<id:course_id>/sessions/<id:number>/without-stock
            POST /opened-vials
            POST /opened-vials/<id:vial_id>/discard
            POST /opened-vials/<id:vial_id>/enter-room
            POST /opened-vials/<id:vial_id>/correct-room
            POST /opened-vials/discard-due
            """,
        ),
        (
            FRONT,
            """
            POST /quotes
            POST /quotes/<id:quote_id>/issue
            POST /quotes/<id:quote_id>/accept
            POST /quotes/<id:quote_id>/decline
            POST /quotes/<id:quote_id>/withdraw
            POST /quotes/<id:quote_id>/revise
            POST /courses/<id:course_id>/payments
            POST /courses/<id:course_id>/refund
            POST /courses/<id:course_id>/transfer
            POST /courses/<id:course_id>/sessions/<id:number>/move
            POST /courses/<id:course_id>/sessions/<id:number>/forfeit
            """,
        ),
        (
            ADMINS,
            """
            GET /patients/<path:patient_ref>/file
            GET /patients/<path:patient_ref>/file.xlsx
            POST /patients/<path:patient_ref>/erase
            GET /erasures
            GET /retention
            POST /retention/purge
            POST /periods/<code:month>/reopen
            """,
        ),
    )
    for method, rule in (call.split() for call in calls.strip().splitlines())
}
"""Which roles may make which call: the guard, the OpenAPI document and the test all read this table."""
