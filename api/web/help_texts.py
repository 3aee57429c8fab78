"""The help pages, a task each, in plain sentences for the person who does it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One thing to do; where it is done, if it has a page."""

    text: str
    address: str = ""


@dataclass(frozen=True)
class Task:
    """What somebody wants to get done: for whom, step by step, and what is good to know."""

    code: str
    title: str
    icon: str
    who: str
    lead: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()


TASKS = (
    Task(
        "sign-in", "Sign in, and keep your account safe", "key-round", "everybody",
        "You sign in with name and password; a second factor keeps it safe even if somebody learns it.",
        (
            Step("Type your name and password. The first one is from an admin; you choose your own at once."),
            Step("Turn on the second factor: scan the square with an authenticator app, then type its code.",
                 "/account/second-factor"),
            Step("Signed out in the middle of a form? Sign in again: what you typed is still there."),
            Step("Used a strange computer? End that session from your account.", "/account"),
        ),
        (
            "After several wrong tries the door stays shut for a while. It opens by itself.",
            "Forgotten the password or lost the phone? An admin resets either; nobody can read it.",
        ),
    ),
    Task(
        "receive", "Receive a delivery", "scan-barcode", "manager, admin",
        "Every container that comes in gets its lot, its expiry and its cost.",
        (
            Step("Open Receive and scan each box. You need not wait between scans.", "/receive"),
            Step("Several labels on a box? Scan them one after the other, in any order."),
            Step("No scanner at hand? Read a photo: several boxes may be in one picture.", "/receive/photo"),
            Step("Where the label says too little, type lot and expiry from the box."),
            Step("Enter how many containers came, and what one of them cost by the invoice."),
            Step("Choose its order if there is one, type the delivery note's number, and receive it all."),
            Step("It came days ago? Say when, and look first: Show what would change."),
        ),
        (
            "What is short-dated, was not ordered or is too much asks for a reason; it is kept.",
            "What has expired goes to quarantine.",
            "A scan is kept even if the net fails; it waits in the browser until it is sent.",
            "Month and year on a label mean the last day of that month.",
            "A label with a missing separator is shown with a doubt. Read it against the box.",
        ),
    ),
    Task(
        "import", "Bring lists in from a spreadsheet", "upload", "manager, admin",
        "Items, suppliers' prices, formulations and the stock you begin with come in from xlsx or csv.",
        (
            Step("Open Import and choose what the list holds. A template shows what it needs.", "/imports"),
            Step("Choose your file. Every row is checked, and nothing is taken over yet."),
            Step("Read what is said of the rows. Download the list with the problems beside them, mend it, "
                 "and bring it again."),
            Step("Import it all, or only the good rows."),
            Step("Wrong list? Undo the import: everything it brought is taken back in one step.", "/imports"),
        ),
        (
            "Your own headers and dates are understood; what can be read in two ways says how it was read.",
            "The same list twice adds nothing: rows that were imported before are known again.",
            "Opening stock is not owed to anybody: it stands in a column of its own in the books.",
            "What was used since stays: the refusal says what used it.",
        ),
    ),
    Task(
        "alerts", "See what presses, and have it in your calendar", "bell", "everybody",
        "One page says what to discard, what expires, what is late or short and what waits for a decision.",
        (
            Step("Open Alerts; choose how far to look ahead.", "/alerts"),
            Step("Work from the top: discard, write off, use first, ask for what is late, order, decide."),
            Step("Make an address under “In your calendar”, and follow it with your calendar program."),
        ),
        (
            "The address is shown once. Whoever has it sees the site's alerts, but no costs and no patients.",
            "End it under Alerts if it got about, and make another.",
        ),
    ),
    Task(
        "move", "Move stock to another shelf or site", "arrow-left-right", "practitioner, manager, admin",
        "A box that leaves one site is on the way until somebody receives it at the other.",
        (
            Step("Open Transfers, choose Move stock, and scan each box or look for the item.",
                 "/transfers/new"),
            Step("Enter how many containers go. What expires first is taken, unless you name a lot."),
            Step("Choose where to: another shelf of the site takes one step, another site sends a transfer."),
            Step("At the other site, open the transfer on a phone, count what arrived, and receive it.",
                 "/transfers"),
            Step("Something did not arrive? Say why, and it is written off; else it stays on the way."),
            Step("Sent by mistake? Take it back: it is on the shelves again that it left."),
        ),
        (
            "Only sealed containers travel, and nothing that is expired or held back.",
            "An item is put only where its label allows: one for 2 to 8 °C goes into no cupboard.",
            "A lot that is recalled while it is on the way is in quarantine where it will arrive.",
            "Fridges, cupboards and freezers are added to a site in the settings.",
        ),
    ),
    Task(
        "count", "Count the stock", "clipboard-list", "practitioner, manager, admin",
        "A count makes the book as true as the shelf. Treatments and deliveries go on meanwhile.",
        (
            Step("Begin a count: of a place, a class, what is due by the rota, or all.", "/counts/new"),
            Step("Scan each container, or type how many there are. Every number is kept at once."),
            Step("Or print the sheet, or fill it in on another machine and bring the file back."),
            Step("A manager looks at the differences, has the large ones counted again, and posts them with "
                 "a reason.", "/counts"),
        ),
        (
            "Each line is compared with the book of the moment at which it was counted. What moves later is "
            "no difference; what happened before and is entered late is taken into account.",
            "A lot that is missing on one shelf and found on another is moved, and costs nothing.",
            "A lot that was never received is not found but received, with what it cost.",
        ),
    ),
    Task(
        "open-and-discard", "Open a vial, and discard it in time", "package-open",
        "practitioner, manager, admin",
        "An opened multi-dose vial has a clock. The program knows the strictest rule and counts down.",
        (
            Step("Open the item or lot, choose Open, and say where it is prepared.", "/stock"),
            Step("Print its label and stick it on: item, lot, opened, discard by, rule, your initials."),
            Step("When you treat, scan that label: the vial stands on its line.", "/treat"),
            Step("When the time is over, discard it: Today lists what is due, and one button does all.",
                 "/vials"),
        ),
        (
            "The page of a vial lists everything that limits it, with its source; the strictest counts.",
            "Several labels at once? Tick the vials on the board; they come one by one or on a sheet.",
            "Your admin may let the machine do the evening: `vialbook discard-due`, site by site.",
            "Single-dose vials are not opened here: the session opens them and discards the rest.",
            "Opening never makes a vial last longer than its printed expiry.",
        ),
    ),
    Task(
        "vial-room", "Take a vial into a treatment room", "stethoscope",
        "practitioner, manager, admin",
        "A multi-dose vial that enters a treatment room is that patient’s alone, until the session ends.",
        (
            Step("Find the vial: scan its label on the board of opened vials.", "/vials"),
            Step("Choose Enter room, type the chart number, the room and how long the session takes."),
            Step("Print its label anew: it says whose it is, and the new time."),
            Step("Record the session. What is left in the vial is discarded with it.", "/treat"),
        ),
        (
            "Entering a room never makes a vial last longer.",
            "Nobody else is served from it, even if the session never takes place.",
            "Scanned the wrong one? Its page has Correct: say why, and both stay on record.",
            "A vial kept in the preparation area may serve several patients where the site shares vials.",
        ),
    ),
    Task(
        "quote", "Quote a course", "receipt-text", "front desk, practitioner, manager, admin",
        "The price comes from what the course really costs and lies within what is usual here.",
        (
            Step("Enter the chart number and ask about allergies and illness.", "/quotes/new"),
            Step("Choose protocol, level, sessions and first day. The price follows while you type."),
            Step("More than one treatment? Open Second treatment; all go on one quote with one total."),
            Step("Leave the discount empty for the clinic's rules, or type one, or a promotion's code."),
            Step("Look at the sessions: what is not in stock says by when it must be ordered."),
            Step("Issue it, print the patient’s copy, and accept it when the patient agrees."),
        ),
        (
            "An issued quote is frozen. To change it, make a new version; issuing it withdraws the old.",
            "The patient’s copy shows no costs. It names the risks, as the law and honesty want.",
            "A quote lapses after its last day; a manager may still accept it with a reason.",
            "Versions stand side by side; why an allergy was overridden, and by whom, stays on the quote.",
            "A discount is trimmed where a session would fall below the band or the least margin.",
            "Say why a quote was lost: the report under Books, Quotes counts it.",
        ),
    ),
    Task(
        "course", "Run a course: payments, other days, refunds", "wallet",
        "front desk, practitioner, manager, admin",
        "The page of a course has its sessions, its money and its terms; each step is kept with its reason.",
        (
            Step("Open the course and take a payment: the deposit, a part, or all that is due.", "/courses"),
            Step("Move a session to another day. The page says first what short notice costs."),
            Step("The patient did not come? Press Missed: the terms say whether that uses the session up."),
            Step("Look at the refund before you confirm it. It ends the course and frees its vials."),
        ),
        (
            "Another amount than the terms give back is a manager’s decision, with a reason.",
            "A session for which nothing was used is completed without stock, and says why.",
            "What is still owed in sessions, on any day, stands under Books, Courses.",
        ),
    ),
    Task(
        "treat", "Treat, and record what was used", "syringe", "practitioner, manager, admin",
        "The session takes the vials that expire first, and says before it what will be discarded.",
        (
            Step("Open today’s sessions and choose the patient by the chart number.", "/treat"),
            Step("Confirm the lines, or change what was used. Scan a vial to say which one it was."),
            Step("Read what will be discarded, then finish."),
        ),
        (
            "All or nothing: if something is missing, nothing moves and you are told what.",
            "Taking another lot than the first to expire needs a reason.",
            "So does another product or amount than the course was sold with.",
            "More than three sterile products in a mix is flagged.",
        ),
    ),
    Task(
        "reorder", "Order what is running short", "shopping-cart", "manager, admin",
        "The list says what to order, from whom, how many packs, by when, and why.",
        (
            Step("Open Reorder. What must be ordered first stands first.", "/reorder"),
            Step("Open “Why” to read the numbers behind a line, and The days ahead for its chart."),
            Step("Change the packs if you know better, or empty them to leave an item out."),
            Step("Press Make order at the supplier: it is drafted. Add the rest fills up a draft."),
            Step("Send its document or its sheet to the supplier, and record that it was sent.", "/orders"),
            Step("Receive what comes against it. Close it when the rest will not come.", "/orders"),
        ),
        (
            "Need is what booked sessions were promised, with the chance that each takes place, and what "
            "the last year shows of walk-ins.",
            "Ordered is what waiting until the next order would cost more for than having it now.",
            "What is on order and comes in time counts as if it were there; a draft does not count.",
            "Stock that expires before it is needed does not count.",
            "What another of your sites will not use in date is fetched before anything is bought.",
            "Nothing is advised that could not be used before it expires, but for a session that is sold.",
            "Deliveries that took longer than promised are counted on to do so: send and receive here.",
        ),
    ),
    Task(
        "export", "Look at the books and give them to the accountant", "book-open",
        "accountant, manager, admin",
        "A month of the books on one page, and all of it in one workbook.",
        (
            Step("Open Books and choose the month. All checks must say that they agree.", "/books"),
            Step("Look at what was not used, by reason; it is money."),
            Step("Open Purchases, choose a supplier whose bill has come, and match it: type its number and "
                 "date, empty the containers of what is not on it, look at the difference, record it.",
                 "/books/purchases"),
            Step("Open Workbook, have it written, and download it.", "/books/workbook"),
            Step("For Xero, QuickBooks, Sage or Beancount open Other software: give each account its number "
                 "there once, then download the month.", "/books/files"),
            Step("Close the month when everything is entered: what is left to do is named.", "/books/close"),
            Step("Who did what, when and why stands in the audit trail.", "/audit"),
        ),
        (
            "A closed month accepts nothing any more; an admin can open the last one again, with a reason.",
            "What a bill says beyond its delivery goes to the stock of it that is still held, else to price "
            "variance; freight and duty are shared over the lines. A wrong one is taken back on its page.",
            "Stock that will expire before it is used is written down under Short-dated.",
            "In the workbook the sheet Control shows zero wherever two ways to reckon meet.",
            "A file for other software has its control total in its name: the program must read the same.",
        ),
    ),
    Task(
        "correct", "Correct a mistake", "undo-2", "manager, admin",
        "Nothing is erased. A mistake is undone by a movement that points at it, and then entered rightly.",
        (
            Step("Find the item, and in it the movement that is wrong.", "/stock"),
            Step("Choose Undo and look at what would change, also as of an earlier day."),
            Step("Say why, and confirm. A whole count or delivery is undone from any of its movements."),
            Step("Enter what really happened."),
        ),
        (
            "If what came later used that stock, undo the later first; the page says which.",
            "In a closed month nothing is undone: the correction is dated today.",
            "Both movements stay in the list, the undone one struck through.",
        ),
    ),
    Task(
        "recall", "Act on a recall", "octagon-alert", "manager, admin",
        "One step holds back all that is left of a lot, everywhere, and lists who received it.",
        (
            Step("Find the lot by its number.", "/lots"),
            Step("Choose Recall and type the maker’s reference."),
            Step("Print the report: places, sessions, chart numbers, opened vials, planned sessions."),
            Step("Call the patients; send back or write off what is left."),
            Step("Somebody asks what they received? Their chart number leads to every lot.", "/patients"),
        ),
        (
            "Not sure yet? Quarantine the lot: it is not used until somebody releases it.",
            "A practitioner may quarantine; to release or recall takes a manager.",
        ),
    ),
    Task(
        "privacy", "Hand out what is held of a patient, or forget them", "lock", "admin",
        "The book knows patients by chart numbers only; still, what it holds of them is theirs to ask for.",
        (
            Step("Type the chart number: every kind of entry is counted.", "/privacy"),
            Step("They ask for a copy? Download the workbook: all that is held, nothing of others."),
            Step("They ask to be forgotten? Choose Forget this patient, and say why.", "/privacy/erase"),
            Step("See what is kept how long, and have what is over put away.", "/privacy/retention"),
        ),
        (
            "Forgetting puts a word that says nothing of anybody in place of the chart number, everywhere: "
            "stock, books and the audit trail stay as they are and still agree.",
            "While a recall may still have to find the patient (15 years, a setting) it takes saying so.",
            "Whose course is running, or for whom stock is promised, cannot be forgotten: end that first.",
            "Backups still hold whom you forgot: put the old ones away in their time.",
            "Names and birth dates are refused as chart numbers: do not type them as a reason either.",
        ),
    ),
    Task(
        "audit", "See who did what", "history", "accountant, manager, admin",
        "Every entry has who, when and why; none can be changed, and a change by another hand shows.",
        (
            Step("Open the audit trail and choose a person, a day or what it is about.", "/audit"),
            Step("Open an entry: what stood there before, and what after."),
            Step("Download it as a workbook or csv for whoever examines the books."),
            Step("Keep its last line, the anchor, where nobody here can change it: each month is good."),
        ),
        (
            "Each entry carries the hash of the one before: if one were changed, all after it would not fit.",
            "An end that was cut off shows only against an anchor that was kept elsewhere.",
        ),
    ),
    Task(
        "site", "Set up a site", "building-2", "manager, admin",
        "A site has its own stock, law and clock.",
        (
            Step("Open the site: name, code, country, price region and time zone.", "/settings/sites/new"),
            Step("Let people in, and say at which sites they work. An admin does that.", "/people"),
            Step("Enter suppliers and their prices.", "/settings/suppliers"),
            Step("Receive what stands on its shelf, lot by lot.", "/receive"),
            Step("Look over the numbers: overhead, margins, how often you order.", "/settings"),
        ),
        (
            "The country decides how long opened vials may be used; it cannot be changed later.",
            "Sharing opened vials between patients is off until you turn it on for the site.",
            "Many lots? Your admin loads them from a list with `vialbook import opening-stock`.",
        ),
    ),
)  # fmt: skip
"""Every task, in the order in which a clinic meets them."""
