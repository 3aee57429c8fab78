"""Treatment rooms: a vial that enters one is one patient's until the session ends, and no longer (S4, S8)."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import corrections, holds, proof, rooms, wastage
from inventory.errors import Refusal
from inventory.picking import NotEnoughStock
from inventory.rooms import (
    AnotherPatients,
    Entering,
    InARoom,
    NeverEntered,
    NotAtThatTime,
    RoomEntry,
    StaysInItsPlace,
    UsedThere,
)
from inventory.treatments import BadPatientRef
from inventory.vials import LotNotUsable, PreparedIn, VialClosed, VialRule
from tests.conftest import rolled_back
from tests.shelf import BY, NOW, Clinic, line, refused

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clinic(db):
    clinic = Clinic(db, share_opened_vials=True)
    clinic.add_items("LIDO 20 mL multi_dose 28 d\nGEL 30 g none 90 d topical")
    clinic.receive("LIDO", "L1 exp 2026-12-31 3 x 3.20")
    return clinic


def opened(clinic, sku="LIDO", number="L1", at=NOW, **more):
    return wastage.open_vial(
        clinic.db, clinic.lot(sku, number), site=clinic.site, at=at, recorded_at=at, by=BY, **more
    )


def enter(clinic, vial, patient="P-1", at=NOW + HOUR, recorded_at=None, **more):
    return rooms.enter(
        clinic.db, vial, Entering(patient, at=at, **more), recorded_at=recorded_at or at, by="nora"
    )


def take_back(clinic, vial, at=NOW + HOUR + MINUTE):
    return rooms.take_back(clinic.db, vial, at=at, recorded_at=at, by=BY, reason="the other vial was meant")


def state(vial):
    return vial.prepared_in, vial.patient_ref, vial.discard_at, vial.discard_rule


def test_a_vial_that_enters_a_room_is_one_patients_until_the_session_ends(clinic):
    vial = opened(clinic)

    entry = enter(clinic, vial, room="Room 2")

    assert vial.discard_at == NOW + 2 * HOUR  # an hour is booked for a session (T3)
    assert (vial.prepared_in, vial.patient_ref) == (PreparedIn.TREATMENT_ROOM, "P-1")
    assert vial.discard_rule == "treatment room: the end of the patient's session"
    assert (entry.by, entry.at, entry.room, entry.patient_before) == ("nora", NOW + HOUR, "Room 2", None)
    assert proof.verify(clinic.db) == []


def test_the_session_may_be_said_to_end_sooner_or_later_but_the_same_day(clinic):
    vial, other, third = opened(clinic), opened(clinic), opened(clinic)

    enter(clinic, vial, ends_at=NOW + HOUR + 20 * MINUTE)
    enter(clinic, other, ends_at=NOW + 5 * HOUR)

    assert (vial.discard_at, other.discard_at) == (NOW + HOUR + 20 * MINUTE, NOW + 5 * HOUR)
    sentence = "A session that begins at 2026-01-15 11:00 ends later on that day, not at 2026-01-16 00:01."
    with refused(NotAtThatTime, sentence):
        enter(clinic, third, ends_at=datetime(2026, 1, 16, 5, 1, tzinfo=UTC))
    with refused(NotAtThatTime, sentence.replace("2026-01-16 00:01", "2026-01-15 11:00")):
        enter(clinic, third, ends_at=NOW + HOUR)


def test_entering_never_extends_what_the_label_allows(clinic):
    clinic.item("LIDO").in_use_hours = 1
    clinic.db.flush()
    vial = opened(clinic)

    enter(clinic, vial, at=NOW + 30 * MINUTE, ends_at=NOW + 3 * HOUR)

    assert (vial.discard_at, vial.discard_rule) == (NOW + HOUR, "label: 1 h in use")


def test_the_clinics_own_rule_of_no_hours_is_named_where_there_is_one(clinic):
    rule = {"jurisdiction": "clinic policy", "country": "*", "dose_class": "multi_dose", "source": "ours"}
    clinic.db.add(
        VialRule(
            code="VR-21", environment="treatment_room", max_hours=0, automatic=True, text="one patient's",
            **rule,
        )
    )  # fmt: skip
    clinic.db.flush()
    vial = opened(clinic)
    assert vial.discard_rule == "label: 672 h in use"

    enter(clinic, vial)

    assert vial.discard_rule == "VR-21 clinic policy: one patient's, until the session ends"
    assert vial.discard_at == NOW + 2 * HOUR


def test_the_patient_is_served_from_it_and_nobody_else_is(clinic):
    vial = opened(clinic)
    clinic.treat("P-9", "LIDO 1", at=NOW + 30 * MINUTE)
    enter(clinic, vial)

    named = line("LIDO", "1", vial_id=vial.id, reason="it is open")
    with pytest.raises(LotNotUsable, match="was opened for another patient"):
        clinic.treat("P-9", named, at=NOW + HOUR + MINUTE)
    clinic.treat("P-9", "LIDO 1", at=NOW + HOUR + MINUTE)
    assert clinic.db.get(type(vial), vial.id).remaining == 19

    clinic.treat("P-1", "LIDO 2", at=NOW + HOUR + 30 * MINUTE)

    clinic.db.refresh(vial)
    assert (vial.remaining, vial.closed_at) == (0, NOW + HOUR + 30 * MINUTE)  # the session ended it
    assert clinic.moved("LIDO")[-1][:4] == ("L1", "opened", "waste", 17)
    assert proof.verify(clinic.db) == []


def test_after_the_session_it_serves_nobody_not_even_its_patient(clinic):
    clinic.receive("LIDO", "L2 exp 2026-06-30 1 x 3.20 quarantined")
    vial = opened(clinic)
    enter(clinic, vial)
    named = line("LIDO", "1", vial_id=vial.id)

    with pytest.raises(LotNotUsable, match="was to be discarded by 2026-01-15 12:00"):
        clinic.treat("P-1", named, at=NOW + 2 * HOUR)
    with pytest.raises(NotEnoughStock, match="20 mL past its discard time"):
        clinic.treat("P-1", "LIDO 41", at=NOW + 2 * HOUR)


def test_a_vial_enters_one_room_once(clinic):
    vial = opened(clinic)
    enter(clinic, vial)

    sentence = f"Opened vial {vial.id} is in a treatment room already, for P-1."
    for patient in ("P-1", "P-2"):
        with refused(InARoom, sentence):
            enter(clinic, vial, patient)
    in_the_room = opened(clinic, prepared_in=PreparedIn.TREATMENT_ROOM, patient_ref="P-3")
    with refused(InARoom, f"Opened vial {in_the_room.id} is in a treatment room already, for P-3."):
        enter(clinic, in_the_room, "P-3")


def test_another_patients_vial_enters_no_room_of_mine(clinic):
    clinic.site.share_opened_vials = False
    vial = opened(clinic)
    clinic.treat("P-1", "LIDO 1", at=NOW + MINUTE)  # the first who is served makes it theirs

    with refused(AnotherPatients, f"Opened vial {vial.id} is P-1's; it cannot enter a room for P-2."):
        enter(clinic, vial, "P-2")
    enter(clinic, vial, "P-1")


def test_it_cannot_have_been_in_a_room_while_it_served_somebody_else(clinic):
    vial = opened(clinic)
    clinic.treat("P-9", "LIDO 1", at=NOW + 30 * MINUTE)

    sentence = (
        f"P-9 was served from opened vial {vial.id} at 2026-01-15 10:30: "
        "it was not in a room with P-1 by then."
    )
    with refused(AnotherPatients, sentence):
        enter(clinic, vial, at=NOW + 20 * MINUTE, recorded_at=NOW + HOUR)


@pytest.mark.parametrize("at", [NOW - MINUTE, NOW + 2 * HOUR])
def test_nothing_enters_before_it_was_opened_or_ahead_of_its_time(clinic, at):
    vial = opened(clinic)

    with pytest.raises(NotAtThatTime, match="it cannot have entered a room at"):
        enter(clinic, vial, at=at, recorded_at=NOW + HOUR)


def test_what_is_past_used_up_held_back_or_no_vial_enters_no_room(clinic):
    clinic.receive("GEL", "G1 exp 2026-12-31 1 x 9.00")
    past, gone, gel = opened(clinic), opened(clinic), opened(clinic, "GEL", "G1")
    wastage.discard(clinic.db, gone, site=clinic.site, at=NOW, recorded_at=NOW, by=BY)
    day_29 = NOW + timedelta(days=29)

    with refused(VialClosed, f"Opened vial {gone.id} is used up or was discarded."):
        enter(clinic, gone)
    sentence = "GEL is no multi-dose vial: entering a treatment room does not make it one patient's."
    with refused(StaysInItsPlace, sentence):
        enter(clinic, gel)
    sentence = f"Opened vial {past.id} of lot L1 was to be discarded by 2026-02-12 10:00; it enters no room."
    with refused(LotNotUsable, sentence):
        enter(clinic, past, at=day_29)
    holds.quarantine(clinic.db, clinic.lot("LIDO", "L1"), at=NOW, by=BY, reason="fridge")
    with refused(LotNotUsable, f"Opened vial {past.id} is of lot L1, which is quarantined."):
        enter(clinic, past)
    with pytest.raises(BadPatientRef):
        enter(clinic, past, "Jane Doe")


def test_an_entry_that_never_was_is_corrected_by_another_fact(clinic):
    vial = opened(clinic)
    before = state(vial)
    entry = enter(clinic, vial)

    correction = take_back(clinic, vial)

    assert state(vial) == before
    assert (correction.corrects_id, correction.reason) == (entry.id, "the other vial was meant")
    assert rooms.history(clinic.db, vial.id) == [entry, correction]
    assert rooms.standing(clinic.db, vial.id) is None
    with refused(NeverEntered, f"Opened vial {vial.id} has not entered a treatment room."):
        take_back(clinic, vial)
    again = enter(clinic, vial, "P-2")
    assert rooms.standing(clinic.db, vial.id) == again
    assert proof.verify(clinic.db) == []


def test_what_was_used_in_the_room_is_undone_first(clinic):
    vial = opened(clinic)
    enter(clinic, vial)
    session = clinic.treat("P-1", "LIDO 2", at=NOW + HOUR + MINUTE).session
    undo = {"at": NOW + 90 * MINUTE, "recorded_at": NOW + 90 * MINUTE, "by": BY}

    with refused(VialClosed, f"Opened vial {vial.id} was closed at 2026-01-15 11:01."):
        take_back(clinic, vial)
    spilt = [move for move in clinic.db.scalars(sa.select(corrections.Movement)) if move.reason]
    corrections.reverse(clinic.db, spilt[-1], reason="not thrown away", **undo)
    sentence = (
        f"Session {session.id} of P-1 drew from opened vial {vial.id} in the room: undo the session first."
    )
    with refused(UsedThere, sentence):
        take_back(clinic, vial, at=NOW + 91 * MINUTE)
    corrections.reverse_session(clinic.db, session, reason="another chart", **undo)
    take_back(clinic, vial, at=NOW + 92 * MINUTE)

    clinic.db.refresh(vial)
    assert (vial.remaining, vial.patient_ref) == (20, None)
    assert proof.verify(clinic.db) == []


def test_the_database_lets_no_entry_be_changed(clinic):
    entry = enter(clinic, opened(clinic))

    with pytest.raises(sa.exc.DatabaseError, match="only added"):
        clinic.db.execute(sa.update(RoomEntry).where(RoomEntry.id == entry.id).values(patient_ref="P-2"))


@pytest.mark.parametrize(
    "broken",
    [
        "patient_ref = 'P-2'",
        "prepared_in = 'preparation_area'",
        "discard_at = '2026-02-12 15:00:00.000000'",
    ],
)
def test_a_room_that_lost_its_patient_is_noticed(clinic, broken):
    vial = opened(clinic)
    enter(clinic, vial)

    clinic.db.execute(sa.text(f"UPDATE opened_vials SET {broken}"))  # noqa: S608
    clinic.db.expire_all()

    sentence = f"Opened vial {vial.id} entered the room of P-1 and is not said to be theirs alone."
    assert [breach.sentence for breach in proof.verify(clinic.db)] == [sentence]


visits = st.lists(
    st.tuples(
        st.sampled_from(["enter", "treat", "treat", "back", "discard", "wait"]),
        st.sampled_from(["P-1", "P-2", "P-3"]),
        st.integers(0, 2),
        st.integers(0, 50),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(acts=visits, shared=st.booleans())
def test_whatever_is_done_a_vial_in_a_room_serves_its_patient_alone(shared_database, acts, shared):
    with rolled_back(shared_database) as db:
        clinic = Clinic(db, share_opened_vials=shared)
        clinic.add_items("LIDO 20 mL multi_dose 28 d")
        clinic.receive("LIDO", "L1 exp 2026-12-31 9 x 3.20")
        vials = [opened(clinic) for _ in range(3)]
        first, now = [vial.discard_at for vial in vials], NOW
        for what, patient, number, minutes in acts:
            now += timedelta(minutes=minutes)
            try:
                with db.begin_nested():
                    act(clinic, what, patient, vials[number], now)
            except Refusal:
                pass
            db.expire_all()
            for vial, until in zip(vials, first, strict=True):
                assert vial.discard_at <= until
        served(clinic, vials)
        assert proof.verify(db) == []


def act(clinic, what, patient, vial, now):
    if what == "enter":
        enter(clinic, vial, patient, at=now)
    elif what == "treat":
        clinic.treat(patient, line("LIDO", "1", vial_id=vial.id, reason="at hand"), at=now)
    elif what == "back":
        take_back(clinic, vial, at=now)
    elif what == "discard":
        wastage.discard_due(clinic.db, site=clinic.site, at=now, recorded_at=now, by=BY)


def served(clinic, vials):
    """From the moment a vial stood in a room, whoever drew from it is the patient of that room."""
    for vial in vials:
        entry = rooms.standing(clinic.db, vial.id)
        if entry is not None:
            for _, patient_ref, _ in rooms._served(clinic.db, vial, since=entry.at):
                assert patient_ref == entry.patient_ref
