"""What to do about each refusal of the program: help lists them, a test finds one that is missing."""

import importlib
import re
from dataclasses import dataclass
from functools import cache

from api.web.book_refusals import BOOKS
from api.web.course_refusals import COURSES, LOOK, TYPE

FILE = "Correct the file and load it again; nothing of it was taken over."

TOPICS: dict[str, dict[str, dict[str, str]]] = {
    "Stock": {
        "inventory.picking": {
            "NotEnoughStock": "Order what is missing, release what is held and sound, or change the lines.",
            "NotFirstToExpire": "Use the lot that expires first, or say why it must be the other.",
        },
        "inventory.balances": {
            "WouldHaveBeenNegative": "Check date and quantity: on that day less was there. "
            "Enter the delivery first if it came earlier.",
        },
        "inventory.receiving": {
            "NotAReceipt": "Check containers, cost and dates against the delivery note.",
            "UnknownReceipt": LOOK,
        },
        "inventory.orders": {"UnknownOrder": LOOK},
        "inventory.charges": {"BadCharges": "Type freight, duty and discount as they stand on the paper."},
        "inventory.foresight": {"OutOfUse": "Take the item into use again first."},
        "inventory.purchasing": {
            "BadOrder": "Correct the lines or the day that the sentence names.",
            "NotOnOrder": "Count again; keep it with a reason, or send it back and leave it out.",
            "WrongOrderState": "Look at the order as it stands: somebody may have been quicker.",
        },
        "inventory.opening": {
            "ExpiresBeforeProduced": "Look at the label again: one of the two dates is another one.",
            "NotYet": "Correct the date; what comes later is received when it comes.",
        },
        "inventory.opening_undone": {
            "NothingLeft": "Nothing is left to do: every line was reversed.",
            "UsedSince": "Undo what used it first, or write off what is left.",
        },
        "inventory.lots": {
            "BadLotNumber": "Type the lot number as the label has it, at most 20 characters.",
            "ExpiryDisagrees": "Read the label again. Both printed so? Hold the lot back and ask the maker.",
            "UnknownLot": LOOK,
        },
        "inventory.gs1": {"UnreadableLabel": "Scan again, or type lot and expiry from the label."},
        "inventory.catalog": {
            "BadGtin": "Type the digits below the bars again; the last one is a check.",
            "GtinTaken": "Look which item carries it; one of the two labels is on the wrong item.",
            "NotWholeContainers": "Enter a whole number of sealed containers; a part is an opened vial.",
            "SkuTaken": "Use the item that is on record, or another number.",
            "UnknownIngredient": LOOK,
            "UnknownItem": "Add the item first, or choose one from the list.",
        },
        "inventory.suppliers": {
            "BadDays": "Write the days of the week as mon, tue, wed, thu, fri, sat or sun.",
            "BadOffer": "Correct the price, its breaks or its currency.",
            "SupplierTaken": "Use the supplier that is on record, or another code.",
            "UnknownSupplier": "Add the supplier first, or choose one from the list.",
        },
        "inventory.measures": {"NotAQuantity": "Enter a number above zero with at most four decimals."},
        "inventory.vials": {
            "LotNotUsable": "Take another lot; look at this one for why it is held.",
            "OpensInItsSession": "Enter the session: it opens the container and discards the rest.",
            "PharmacyBulk": "Use a vial for treatment; a bulk package belongs to a pharmacy.",
            "UnknownVial": LOOK,
            "VialClosed": "Open another vial; this one is used up or discarded.",
        },
        "inventory.places": {
            "BadPlace": TYPE,
            "NotAShelf": "Choose a fridge, cupboard or freezer that is in use.",
            "PlaceInUse": "Move what is in it to another place; a site keeps at least one shelf.",
            "PlaceTaken": "Use the place that is there, or another code.",
            "UnknownPlace": "Add the place first, or choose one from the list.",
            "WrongTemperature": "Put it where the label allows; a wrong place spoils it unseen.",
        },
        "inventory.moving": {
            "NothingToMove": "Enter how much of which lot goes along, or how much of it arrived.",
            "NotOnTheShelf": "Look at what stands on which shelf and take at most that.",
            "SamePlace": "Choose another place to move it to.",
        },
        "inventory.transfers": {
            "NotOnTheWay": "Look at the transfer again: somebody may have received it already.",
            "UnknownTransfer": LOOK,
        },
        "inventory.wastage": {
            "NotThatMuch": "Look at what is left of it and enter at most that.",
            "PatientNeeded": "Say whose it is, or prepare it in the preparation area.",
            "ReasonNeeded": "Say in a few words what happened.",
            "VialElsewhere": "Choose the site at which the vial is.",
        },
        "inventory.rooms": {
            "AnotherPatients": "Take another vial: this one serves one patient.",
            "InARoom": "Look at the vial: it is in a room already. If that is wrong, correct the entry.",
            "NeverEntered": "Nothing is left to do: no entry stands.",
            "NotAtThatTime": "Check the time, and how long the session takes.",
            "StaysInItsPlace": "Use it where it is; only multi-dose vials become one patient's.",
            "UsedThere": "Undo the session first; then correct the entry.",
        },
        "inventory.holds": {
            "AlreadyThere": "Nothing is left to do: the lot is in that state.",
            "CannotRelease": "Write it off or send it back; it is not used again.",
        },
        "inventory.corrections": {
            "UnknownDocument": LOOK,
            "AlreadyReversed": "Nothing is left to do; to have it again, enter it anew.",
            "CannotReverse": "Undo what came after it first, or enter what is so today.",
        },
        "inventory.layers": {
            "LayerSpent": "Undo what used it first, or correct it with a new entry.",
            "LayersRunOut": "Stop and tell your admin: the books must be verified.",
        },
        "inventory.counts": {
            "CountEnded": "Begin a new count; the old one stays to be read.",
            "UnknownCount": LOOK,
            "UnknownLine": LOOK,
        },
        "inventory.stocktake": {
            "CannotBeCounted": "Choose a shelf, the opened vials or the quarantine.",
            "CountedElsewhere": "End the other count first, by posting it or giving it up.",
            "NotOnThisSheet": "Begin a count of its own for it.",
            "NothingDue": "Count a place or a class, or come back when something is due.",
            "UnknownClass": "Choose a class from the list.",
        },
        "inventory.counting": {
            "CountedAlready": "Scan the next one; this one is counted.",
            "CountedAtAnotherTime": "Enter a time between the beginning of the count and now.",
            "NotCountable": "Count whole containers, or what is left in the opened one.",
            "NotOnLabel": "Scan the other barcode of the box, or type the number into its line.",
            "ReceiveInstead": "Receive it: a lot that the book does not know has no cost.",
            "WhichPlace": "Say before which shelf you stand, then scan again.",
        },
        "inventory.count_posting": {
            "CountOutdated": "Count the line again as it is now, or take its number back.",
            "DifferencesChanged": "Look at the differences as they are now, then post them.",
            "MovedWhileCounted": "Count that line again, all of it.",
            "NoReasonGiven": "Say in a few words why it is posted.",
            "NotAllCounted": "Count the lines that are left, or say what becomes of them.",
            "SecondCountNeeded": "Have somebody count those lines a second time.",
        },
        "api.count_sheets": {"NoCountSheet": FILE},
        "api.rest.counts": {
            "NotInContainers": "Name one of the two.",
            "ScopeTwice": "Begin a count for each.",
        },
        "api.web.count_pages": {
            "NothingChosen": "Choose what is counted from the list.",
            "UncountedLines": "Count them, or tick that they stay as they are.",
        },
        "api.web.count_files": {"NoFile": "Choose the filled-in sheet."},
        "inventory.ledger": {
            "LiesAhead": "Check the date: nobody records what is to come.",
            "UnknownMovement": LOOK,
        },
        "inventory.forgetting": {"UnknownPatient": "Look at the chart number again; it may be forgotten."},
        "pricing.privacy": {
            "StillTreated": "End the course, and wait until its stock is free again.",
            "TraceStillKept": "Wait, or have an admin say why it is forgotten before.",
        },
        "inventory.patients": {"BadPatientRef": "Enter the chart number alone: no name, no birth date."},
        "inventory.treatments": {
            "MixedUnits": "Name the item instead of the ingredient.",
            "NothingToUse": "Enter at least one product that was used.",
            "UnknownSession": LOOK,
        },
        "inventory.alerts": {"BadView": TYPE},
        "api.web.vial_board": {"NotOpenHere": "Open a vial of that lot first, or choose its site."},
        "api.web.reorder": {
            "BadPacks": "Write how many packs, or nothing to leave the item out.",
        },
        "inventory.reordering": {"NothingToOrder": "Nothing is left to do; look at the list again."},
        "api.web.receive": {"NothingToReceive": "Scan a label or type a lot first."},
        "api.web.scans": {"TooManyWaiting": "Receive or put aside what waits, then go on scanning."},
        "api.web.use_lines": {"LotNotHere": "Scan a lot of this site, or leave the choice to the program."},
    },
    "Quotes and courses": {
        "pricing.price_list": {
            "BadListPrice": "Enter an amount above zero in whole cents.",
            "NoBand": "Choose another area or protocol, or ask a manager for a price band.",
            "UnknownLevel": LOOK,
        },
        "pricing.stages": {
            "BadTerms": "Look at margins, step and discount: no price can follow from them.",
            "NoPrice": "The cost is above what is usual: use fewer or other products, or ask a manager.",
        },
        "pricing.protocols": {
            "BadPlan": "Enter a number of sessions and an interval that can be.",
            "OutsideProtocol": "Stay within the protocol, or say why this patient needs another course.",
            "UnknownProtocol": LOOK,
            "UnknownTechnique": "Ask a manager to name the technique's consumables.",
        },
        "pricing.costing": {"NoDates": "Enter at least one session."},
        "pricing.covering": {
            "TooManyContainers": "Check the unit of the dose: it is hundreds of containers."
        },
        "pricing.sourcing": {"NothingHolds": "Add an item that holds the ingredient."},
        "pricing.formulations": {
            "BadLine": TYPE,
            "FormulationTaken": "Change the one that is on record, or use another code.",
            "NoProducts": "Add what is injected.",
            "TooManyLines": "Put what belongs together in one line: a recipe has a hundred at most.",
            "UnknownFormulation": LOOK,
        },
        "pricing.quote_records": {"UnknownQuote": LOOK},
        "pricing.offers": {
            "TooManyTreatments": "Put some of the treatments on a quote of their own.",
            "UnknownRegion": "Choose a region of the table of price bands, or leave it out.",
        },
        "pricing.entitlement": {
            "MayNotInject": "Choose a level that may inject it; Settings, Levels says which."
        },
        "pricing.discounts": {
            "BadDiscount": TYPE,
            "BeyondRules": "Give less, or ask a manager to quote it.",
            "DiscountTaken": "Use another code.",
            "PromotionNotInForce": "Leave the code out, or choose a promotion that is given.",
            "UnknownDiscount": "Check the code; Settings, Discounts lists them.",
        },
        "pricing.prospects": {"NothingToCome": "Look at the course: what it did cost is on record."},
        "pricing.quote_life": {
            "AllergenBlocks": "Choose another formulation, or ask a practitioner to decide and say why.",
            "PartOfAQuote": "Open the quote; all its treatments take a step together.",
            "QuoteLapsed": "Make a new version, or ask a manager to accept it with a reason.",
            "ReasonMissing": "Say why; it is kept with the quote.",
            "Superseded": "Go on with the version that stands.",
            "WrongStatus": "Look at the quote as it stands: somebody may have been quicker.",
        },
        **COURSES,
        "api.web.quote_desk": {"NoPriceShown": "Ask a manager: they see the numbers and may decide."},
        "api.web.treat": {"NoSuchSession": LOOK},
    },
    "Books and settings": BOOKS,
    "Signing in and people": {
        "api.auth": {
            "BadName": "Enter 1 to 80 letters, figures or signs.",
            "NotAllowed": "Ask somebody with the role that is named, or an admin to change yours.",
        },
        "api.marks": {
            "NotAPicture": "Save the picture as PNG or JPEG, at most 4000 dots wide, and send it again.",
            "NoMark": "Set one under Settings; until then the initials stand in its place.",
        },
        "api.calendars": {"UnknownCalendar": "Make a new address under Alerts; the old one was ended."},
        "api.secret": {
            "SecretLost": "Ask whoever runs the program for its secret of that time, or an admin to turn the "
            "second factor off.",
            "SecretOpenToOthers": "Take away the rights of others, as the sentence says, and start again.",
            "WeakSecret": "Set VIALBOOK_SECRET to a longer text, or leave it out: then a file is made.",
        },
        "api.where": {"NotYourSite": "Name a site at which you work, or ask an admin to add the other."},
        "api.web.sign_in": {"WrongPassword": "Type your present password again."},
        "api.web.throttle": {"TooManyTries": "Wait as long as it says; an admin can reset your password."},
        "api.web.passwords": {
            "WeakPassword": "Choose a longer one: four words that do not belong together are good.",
            "WrongCode": "Wait for the next code; check that the clock of your phone is right.",
        },
        "api.web.sign_ins": {"BadLimits": "Enter minutes and hours within the limits that are named."},
        "api.web.accounts": {
            "DemoPeopleAbroad": "Make people of your own; demo people are for the machine itself.",
            "LastAdmin": "Make somebody else an admin first.",
            "NameTaken": "Add an initial, so that the two can be told apart.",
            "NotTheFirst": "Ask an admin to let you in.",
            "UnknownPerson": LOOK,
            "UnknownPersonSite": LOOK,
            "WrongSecret": "Copy the secret that the program printed when it was started.",
        },
        "api.web.entrance": {"OtherSite": "Open the page here and send the form from it."},
    },
    "Files and other programs": {
        "api.backups": {
            "AlreadyThere": "Name a new file or place; move the old one away first if you mean it.",
            "NewerBackup": "Install the version of the program that took it, or a later one.",
            "NotABackup": "Take another copy of the file, or an earlier backup.",
            "NotSound": "Run `vialbook verify` on the book that it was taken of; keep the last sound backup.",
            "PassphraseNeeded": "Give the passphrase with which it was sealed.",
        },
        "api.starting": {"BookDamaged": "Keep a copy, and restore the last backup into a new place."},
        "api.sealing": {
            "SealBroken": "Take another copy of the file, or an earlier backup.",
            "WeakPassphrase": "Choose a longer one: four words that do not belong together are good.",
            "WrongPassphrase": "Try the passphrase of the time at which the backup was taken.",
        },
        "api.cells": {"BadCell": FILE},
        "api.entries": {"NotOnRecord": FILE},
        "api.imports": {
            "UnknownKind": "Choose one of the lists that are named.",
        },
        "api.headers": {"WrongColumns": "Give the columns the headers that are named."},
        "api.import_records": {
            "UndoneBefore": "Nothing is left to do: it was taken back.",
            "UnknownImport": LOOK,
            "UsedByNow": "Keep it, or take back first what uses it.",
        },
        "api.web.import_jobs": {"UnknownList": "Bring the list again."},
        "api.delimited": {
            "EmptyTable": FILE,
            "FileTooLarge": "Split the file and load one part after the other.",
            "UnreadableFile": "Save it as xlsx or csv.",
        },
        "api.photos": {"BadPhoto": "Send the photo as the camera takes it: JPEG, PNG or WebP."},
        "api.tables": {"UnsafeFile": "Save it without macros and without a password."},
        "api.idempotency": {"KeyReused": "Send a new request with a key of its own."},
        "api.paging": {"BadCursor": "Begin the list from its first page."},
        "api.settings": {"BadEnvironment": "Correct the environment variable that is named."},
        "api.cli": {
            "CannotListen": "Choose another port, or stop the program that uses it.",
            "NotInitialised": "Run `vialbook init` first.",
            "NewerBook": "Install the version of the program that migrated it, or a later one.",
        },
        "seed_data": {"UnknownTable": "Use one of the tables that are shipped."},
    },
}
"""Topic, module, refusal, and what to do about it."""

RULES = re.compile(r" \((?:[A-Z]\d+(?:, | and | to )?)+\)")


@dataclass(frozen=True)
class Explained:
    """One refusal: what it means, and what to do."""

    name: str
    meaning: str
    advice: str


@cache
def listed() -> tuple[tuple[str, tuple[Explained, ...]], ...]:
    """Every refusal by topic, with what its own definition says of it."""
    return tuple(
        (
            topic,
            tuple(
                _explained(module, name, advice)
                for module, found in modules.items()
                for name, advice in found.items()
            ),
        )
        for topic, modules in TOPICS.items()
    )


def _explained(module: str, name: str, advice: str) -> Explained:
    kind = getattr(importlib.import_module(module), name)
    first = (kind.__doc__ or "").strip().splitlines()[0]
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return Explained(words.capitalize(), RULES.sub("", first), advice)
