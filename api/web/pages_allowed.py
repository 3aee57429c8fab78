"""Which role may see which page and send which form: the one table."""

from api.auth import ADMINS, BOOKS, COUNTS, EVERYONE, FRONT, STOCKROOM, TREATMENT, Role

OPEN = frozenset(
    {
        "GET /static/<tag>/<path:name>",
        "GET /sign-in",
        "POST /sign-in",
        "GET /sign-in/code",
        "POST /sign-in/code",
        "POST /sign-out",
        "GET /first-start",
        "POST /first-start",
        "POST /theme",
    }
)
"""Pages that anybody may ask for without being signed in."""

MAY: dict[str, frozenset[Role]] = {
    call.strip(): roles
    for roles, calls in (
        (
            EVERYONE,
            """
            GET /
            POST /site
            GET /account
            GET /account/password
            POST /account/password
            GET /account/second-factor
            POST /account/second-factor
            POST /account/sessions/<id:sign_in_id>/end
            GET /transfers
            GET /transfers/<id:transfer_id>
            GET /stock
            GET /stock/<code:sku>
            GET /stock/<code:sku>/movements
            GET /lots
            GET /lots/<id:lot_id>
            GET /lots/<id:lot_id>/trace
            GET /lots/<id:lot_id>/recall-report.pdf
            GET /patients
            GET /vials
            GET /vials/<id:vial_id>
            GET /vials/<id:vial_id>/label.pdf
            GET /vials/labels.pdf
            GET /alerts
            POST /alerts/calendars
            POST /alerts/calendars/<id:calendar_id>/end
            GET /quotes
            GET /quotes/<id:quote_id>
            GET /quotes/<id:quote_id>/versions
            GET /courses
            GET /courses/<id:course_id>
            GET /sessions/<id:session_id>
            GET /reorder
            GET /reorder/sheet
            GET /reorder/<code:sku>
            GET /help
            GET /help/settings
            GET /help/refusals
            GET /help/<code:task>
            """,
        ),
        (
            FRONT,
            """
            GET /quotes/new
            POST /quotes/new
            GET /quotes/price
            POST /quotes/price
            GET /quotes/<id:quote_id>/quote.pdf
            GET /quotes/<id:quote_id>/issue
            POST /quotes/<id:quote_id>/issue
            GET /quotes/<id:quote_id>/accept
            POST /quotes/<id:quote_id>/accept
            GET /quotes/<id:quote_id>/decline
            POST /quotes/<id:quote_id>/decline
            GET /quotes/<id:quote_id>/withdraw
            POST /quotes/<id:quote_id>/withdraw
            GET /quotes/<id:quote_id>/revise
            POST /quotes/<id:quote_id>/revise
            GET /courses/<id:course_id>/pay
            POST /courses/<id:course_id>/pay
            GET /courses/<id:course_id>/refund
            POST /courses/<id:course_id>/refund
            GET /courses/<id:course_id>/transfer
            POST /courses/<id:course_id>/transfer
            GET /courses/<id:course_id>/sessions/<id:number>/move
            POST /courses/<id:course_id>/sessions/<id:number>/move
            GET /courses/<id:course_id>/sessions/<id:number>/miss
            POST /courses/<id:course_id>/sessions/<id:number>/miss
            """,
        ),
        (
            BOOKS,
            """
            GET /orders
            GET /orders/<id:order_id>
            GET /orders/<id:order_id>/order.pdf
            GET /orders/<id:order_id>/order.xlsx
            GET /books
            GET /quotes/<id:quote_id>/prospect
            GET /books/roll-forward
            GET /books/conversion
            GET /books/conversion.xlsx
            GET /books/valuation
            GET /books/deferred
            GET /books/purchases
            GET /books/bills/new
            POST /books/bills/new
            GET /books/bills/<id:invoice_id>
            GET /books/bills/<id:invoice_id>/take-back
            POST /books/bills/<id:invoice_id>/take-back
            GET /books/write-downs
            POST /books/write-downs
            GET /books/write-downs/<id:write_down_id>/take-back
            POST /books/write-downs/<id:write_down_id>/take-back
            GET /books/cost-formula
            POST /books/cost-formula
            GET /books/journal
            GET /books/workbook
            POST /books/workbook
            GET /books/workbook.xlsx
            GET /books/workbook/<code:key>
            GET /books/workbook/<code:key>/file
            POST /books/workbook/<code:key>/stop
            GET /books/close
            POST /books/close
            GET /books/trial-balance
            GET /audit
            GET /audit/<id:number>
            GET /audit.csv
            GET /audit.xlsx
            GET /books/files
            GET /books/files/journal
            GET /books/files/accounts/<code:name>
            POST /books/files/accounts/<code:name>
            """,
        ),
        (
            COUNTS,
            """
            GET /counts
            GET /counts/<id:count_id>/record
            GET /counts/<id:count_id>/sheet.pdf
            GET /counts/<id:count_id>/sheet.xlsx
            """,
        ),
        (
            TREATMENT,
            """
            GET /counts/new
            POST /counts/new
            GET /counts/<id:count_id>
            POST /counts/<id:count_id>
            GET /counts/<id:count_id>/sheet
            POST /counts/<id:count_id>/sheet
            """,
        ),
        (
            STOCKROOM,
            """
            GET /counts/<id:count_id>/post
            POST /counts/<id:count_id>/post
            GET /counts/<id:count_id>/abandon
            POST /counts/<id:count_id>/abandon
            """,
        ),
        (
            TREATMENT,
            """
            GET /transfers/new
            POST /transfers/new
            GET /transfers/<id:transfer_id>/receive
            POST /transfers/<id:transfer_id>/receive
            GET /treat
            GET /treat/walk-in
            POST /treat/walk-in
            GET /treat/preview
            POST /treat/preview
            GET /courses/<id:course_id>/sessions/<id:number>/treat
            POST /courses/<id:course_id>/sessions/<id:number>/treat
            GET /courses/<id:course_id>/sessions/<id:number>/without-stock
            POST /courses/<id:course_id>/sessions/<id:number>/without-stock
            GET /lots/<id:lot_id>/open
            POST /lots/<id:lot_id>/open
            GET /lots/<id:lot_id>/quarantine
            POST /lots/<id:lot_id>/quarantine
            GET /vials/<id:vial_id>/discard
            POST /vials/<id:vial_id>/discard
            GET /vials/<id:vial_id>/enter-room
            POST /vials/<id:vial_id>/enter-room
            GET /vials/<id:vial_id>/correct-room
            POST /vials/<id:vial_id>/correct-room
            GET /vials/discard-due
            POST /vials/discard-due
            """,
        ),
        (
            STOCKROOM,
            """
            GET /settings
            GET /settings/numbers/<code:key>
            POST /settings/numbers/<code:key>
            GET /settings/mark
            POST /settings/mark
            GET /settings/mark.png
            GET /settings/sites
            GET /settings/sites/new
            POST /settings/sites/new
            GET /settings/sites/<code:code>
            POST /settings/sites/<code:code>
            GET /settings/sites/<code:code>/places/new
            POST /settings/sites/<code:code>/places/new
            GET /settings/sites/<code:code>/places/<code:place>
            POST /settings/sites/<code:code>/places/<code:place>
            GET /settings/prices
            GET /settings/prices/<code:protocol>/<code:level>
            POST /settings/prices/<code:protocol>/<code:level>
            GET /settings/discounts
            GET /settings/discounts/new
            POST /settings/discounts/new
            GET /settings/discounts/<code:code>/end
            POST /settings/discounts/<code:code>/end
            GET /settings/levels
            GET /settings/levels/<code:code>
            POST /settings/levels/<code:code>
            GET /settings/bands
            GET /settings/taxes
            GET /settings/vial-rules
            GET /settings/suppliers
            GET /settings/suppliers/new
            POST /settings/suppliers/new
            GET /settings/suppliers/<code:code>
            GET /settings/suppliers/<code:code>/edit
            POST /settings/suppliers/<code:code>/edit
            GET /settings/suppliers/<code:code>/offer
            POST /settings/suppliers/<code:code>/offer
            """,
        ),
        (
            STOCKROOM,
            """
            GET /sessions/<id:session_id>/undo
            POST /sessions/<id:session_id>/undo
            GET /courses/<id:course_id>/sessions/<id:number>/take-back
            POST /courses/<id:course_id>/sessions/<id:number>/take-back
            GET /transfers/<id:transfer_id>/cancel
            POST /transfers/<id:transfer_id>/cancel
            GET /receive
            POST /receive
            GET /receive/photo
            POST /receive/photo
            GET /orders/new
            POST /orders/new
            GET /orders/<id:order_id>/edit
            POST /orders/<id:order_id>/edit
            GET /orders/<id:order_id>/send
            POST /orders/<id:order_id>/send
            GET /orders/<id:order_id>/close
            POST /orders/<id:order_id>/close
            GET /orders/<id:order_id>/cancel
            POST /orders/<id:order_id>/cancel
            POST /reorder/order
            GET /lots/<id:lot_id>/write-off
            POST /lots/<id:lot_id>/write-off
            GET /lots/<id:lot_id>/release
            POST /lots/<id:lot_id>/release
            GET /lots/<id:lot_id>/recall
            POST /lots/<id:lot_id>/recall
            GET /movements/<id:movement_id>/reverse
            POST /movements/<id:movement_id>/reverse
            GET /documents/<id:document_id>/undo
            POST /documents/<id:document_id>/undo
            GET /imports
            POST /imports
            GET /imports/lists/<code:key>
            POST /imports/lists/<code:key>
            GET /imports/lists/<code:key>/corrected.xlsx
            GET /imports/templates/<code:kind>
            GET /imports/<id:import_id>/undo
            POST /imports/<id:import_id>/undo
            GET /stock/<code:sku>/edit
            POST /stock/<code:sku>/edit
            """,
        ),
        (
            ADMINS,
            """
            GET /people
            GET /people/new
            POST /people/new
            GET /people/<id:person_id>
            POST /people/<id:person_id>
            POST /people/<id:person_id>/reset-password
            POST /people/<id:person_id>/forget-second-factor
            POST /people/<id:person_id>/end-sessions
            GET /access
            POST /access
            GET /privacy
            GET /privacy/file.xlsx
            GET /privacy/erase
            POST /privacy/erase
            GET /privacy/retention
            POST /privacy/retention
            GET /books/reopen
            POST /books/reopen
            """,
        ),
    )
    for call in calls.strip().splitlines()
}
"""Which roles may ask for which page: a rule with its method, as the address map writes it."""
