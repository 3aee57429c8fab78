"""What to do about each refusal that concerns a course: part of the table in `refusals`."""

LOOK = "Look at the list again: it may have been changed, or the address is mistyped."
TYPE = "Correct the field that is marked and send it again."

COURSES: dict[str, dict[str, str]] = {
    "pricing.course_records": {
        "AlreadyPerformed": "Nothing is left to do; reverse the session if it was entered by mistake.",
        "SessionOver": "Look at the course: take the session back if that was a mistake.",
        "UnknownCourse": LOOK,
        "UnknownCourseSession": LOOK,
    },
    "pricing.courses": {
        "AnotherFormulation": "Enter what was used as lines.",
        "AnotherPatient": "Check the chart number, then choose that patient's course.",
    },
    "pricing.session_changes": {"ChangeNeedsReason": "Say why in a few words, or use what was sold."},
    "pricing.course_life": {
        "BeyondItsTime": "Choose an earlier day, or end the course by its terms.",
        "LifeNeedsReason": "Say why; it is kept with the course.",
        "MovedToThePast": "Choose another day, from today on.",
        "MovedTooOften": "Keep the day, or record that the patient did not come.",
        "NotOnThatDay": "Choose a day between the sale of the course and today.",
        "NotTakenBack": "Undo a session that was performed on its own page.",
        "NotTransferable": "Leave the course with its patient, or end it by its terms.",
        "NotYetMissed": "Move the session instead, or wait for its day.",
    },
    "pricing.policies": {"UnknownPolicy": "Choose a policy of the list under Settings."},
    "pricing.course_book": {
        "CourseEnded": "Sell a new course; what happened to this one stays on record.",
        "NotAnAmount": TYPE,
        "PaidTooMuch": "Take what is due; the rest belongs to another course.",
    },
    "pricing.course_money": {
        "NothingToGiveBack": "Say why, if the course is to end all the same or with another amount.",
        "RefundTooLarge": "Give back at most what was paid.",
        "SessionUsedUp": "Look at the course: the session is over.",
        "UnknownTerms": LOOK,
    },
}
"""Refusals of courses and their money, by the module that raises them."""
