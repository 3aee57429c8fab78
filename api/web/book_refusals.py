"""What to do about each refusal of the books and the settings."""

from api.web.course_refusals import LOOK

BOOKS: dict[str, dict[str, str]] = {
    "inventory.periods": {
        "BadMonth": "Write the month as 2026-01.",
        "NoReason": "Say in a few words why; who reads the history will ask.",
        "NotInTurn": "Close the earlier month first; open the last one first.",
        "NotOver": "Wait until the month is over at every site.",
        "PeriodClosed": "Date it in a month that is open.",
    },
    "inventory.invoices": {"UnknownInvoice": LOOK},
    "inventory.bills": {
        "BadInvoice": "Compare number, date, lines and amounts with the paper.",
        "InvoiceTwice": "Look whether it is on record; take the other back if that one was wrong.",
        "NotReceived": "Receive what came first; of the rest ask the supplier.",
    },
    "api.web.purchase_pages": {"NothingAwaited": "Fill in the containers that the bill names."},
    "inventory.matching": {"AlreadyTakenBack": "Nothing is left to do: look at the list of bills."},
    "inventory.revaluation": {
        "EffectChanged": "Look at the report anew, then confirm it.",
        "NoReason": "Say why; the auditor will ask.",
        "NotBetweenPeriods": "Close the month, then change it before anything of the next is entered.",
        "SameFormula": "Choose another formula, or keep this one.",
    },
    "inventory.write_downs": {
        "NoReversal": "Leave it as it is; your accountant knows whether IFRS is the clinic's framework.",
        "NotLower": "Enter what the lot will bring: less than it is worth, nothing at the least.",
        "NothingComesBack": "Enter at most what is left of it.",
        "UnknownWriteDown": LOOK,
    },
    "inventory.trail_list": {"UnknownEntry": LOOK},
    "inventory.proof_of_trail": {"BadAnchor": "Copy the whole line as it was exported."},
    "pricing.accounting": {"BadPeriod": "Choose a last day that is not before the first."},
    "pricing.mapping": {
        "AccountsNotMapped": "Books, Other software, Accounts: give each that is named its own there.",
        "BadAccountName": "Write it as the other program shows it in its list of accounts.",
        "UnknownAccount": LOOK,
    },
    "pricing.closing": {
        "BooksDisagree": "Do not close; tell your admin to verify the books.",
        "StillToDo": "Finish what is named, or ask an accountant to close it with a reason.",
    },
    "api.web.closing": {
        "NothingToClose": "Wait until the month is over, or look which month is next.",
    },
    "api.web.account_pages": {"NoSuchSoftware": "Choose one of the programs on the page."},
    "api.package": {"NoRoom": "Make room on the disk, then have it written again."},
    "api.web.workbooks": {"UnknownWorkbook": "Have it written anew; it takes seconds."},
    "inventory.clinic": {
        "BadSetting": "Read what the setting takes, and enter such a value.",
        "FormulaFixed": "Open Books, Cost formula: it changes between two months, and shows its effect.",
        "SiteTaken": "Use another code for the new site.",
        "UnknownSetting": LOOK,
        "UnknownSite": "Choose a site at which you work.",
    },
    "api.web.forms": {"Stale": "Look at both versions; save yours, or leave it as it is on record."},
    "api.web.help_pages": {"UnknownHelp": "Choose a page from the list under Help."},
    "api.web.frame": {"NoSite": "Ask an admin or manager to open the first site."},
}
