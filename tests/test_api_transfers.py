"""Places, moves and transfers over HTTP: who may, where, with which version, and what is refused."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from api.auth import Person, PersonSite, Role
from inventory import catalog, clinic
from inventory.clinic import Place
from inventory.proof import verify

FRIDGE = {"code": "FRIDGE", "name": "Fridge", "temperature": "cold"}


@pytest.fixture
def two(here):
    """The clinic with a second site, a cupboard at the first, and four vials of lot A17."""
    with here.database.write.begin() as db:
        clinic.open_site(
            db, code="SECOND", name="Harbour", country="US", region="North America",
            time_zone="America/Los_Angeles",
        )  # fmt: skip
    here.made("/sites/MAIN/places", {"code": "CUP-1", "name": "Cupboard 1", "temperature": "any"})
    here.lot = receive(here, 4)["lot"]["id"]
    return here


def receive(here, containers, **more):
    body = {
        "sku": "HA-3", "lot_number": "A17", "expires_on": "2027-06-30", "containers": containers,
        "unit_cost": "16.50", **more,
    }  # fmt: skip
    return here.made("/receipts", body)


def confine(here, role, code):
    """Let the person of a role work at one site alone."""
    with here.database.write.begin() as db:
        person = db.scalars(sa.select(Person).where(Person.role == role)).one()
        db.add(PersonSite(person_id=person.id, site_id=clinic.site(db, code).id))


def sound(here):
    with here.database.read() as db:
        return verify(db) == []


def stands(here, code, place):
    rows = here.seen(f"/sites/{code}/places/{place}/stock")["items"]
    return {row["lot_number"]: row["quantity"] for row in rows}


def send(here, **more):
    body = {"target": "SECOND", "lines": [{"lot": here.lot, "quantity": "6"}], **more}
    return here.made("/transfers", body)


def test_a_place_is_added_listed_and_changed_by_who_has_read_it(here):
    added = here.post("/sites/MAIN/places", FRIDGE)
    assert added.status_code == 201
    assert added.headers["Location"].endswith("/sites/MAIN/places/FRIDGE")
    assert [row["code"] for row in here.seen("/sites/MAIN/places?limit=500")["items"]][-1] == "FRIDGE"

    change = {"name": "Fridge, left", "temperature": "cold"}
    path = "/sites/MAIN/places/FRIDGE"
    assert here.call("PUT", path, change).status_code == 428
    tag = here.get(path).headers["ETag"]
    assert here.call("PUT", path, change, headers={"If-Match": '"other"'}).status_code == 412
    changed = here.call("PUT", path, change, headers={"If-Match": tag})
    assert (changed.status_code, changed.get_json()["name"]) == (200, "Fridge, left")
    assert here.call("PUT", path, change, headers={"If-Match": tag}).status_code == 412

    assert here.post("/sites/MAIN/places", FRIDGE).status_code == 409
    assert here.post("/sites/MAIN/places", FRIDGE | {"code": "f 1"}).status_code == 422
    assert here.get("/sites/MAIN/places/ATTIC").status_code == 404


def test_a_receipt_names_its_shelf_and_a_write_off_too(two):
    receive(two, 2, place="CUP-1")
    assert stands(two, "MAIN", "CUP-1") == {"A17": "6"}

    two.made("/write-offs", {"lot": two.lot, "quantity": "3", "reason": "broken", "place": "CUP-1"})

    assert stands(two, "MAIN", "CUP-1") == {"A17": "3"}
    with two.database.write.begin() as db:
        catalog.item(db, "HA-3").storage = "fridge_2_8"
        for place in db.scalars(sa.select(Place).where(Place.code == "CUP-1")):
            place.temperature = "room"
    refusal = two.post(
        "/receipts",
        {
            "sku": "HA-3", "lot_number": "B02", "expires_on": "2027-06-30", "containers": 1,
            "unit_cost": "1", "place": "CUP-1",
        },
    )  # fmt: skip
    assert refusal.status_code == 409
    assert refusal.get_json()["detail"] == "HA-3 is kept at 2 to 8 °C; Cupboard 1 is at 15 to 25 °C."


def test_stock_is_moved_to_another_shelf_and_not_to_its_own(two):
    moved = two.made("/moves", {"to": "CUP-1", "lines": [{"sku": "HA-3", "containers": 3}]})

    assert moved["lines"] == [{"lot": two.lot, "quantity": "9"}]
    assert stands(two, "MAIN", "CUP-1") == {"A17": "9"}
    line = {"lot": two.lot, "quantity": "3", "place": "CUP-1"}
    refusal = two.post("/moves", {"to": "CUP-1", "lines": [line]})
    assert refusal.status_code == 422
    assert refusal.get_json()["detail"] == "Cupboard 1 is where it is: move it to another place."


def test_a_transfer_is_sent_received_once_and_told_at_both_ends(two):
    sent = send(two, note="by van")

    assert (sent["state"], sent["site"], sent["target"], sent["note"]) == (
        "on_the_way", "MAIN", "SECOND", "by van",
    )  # fmt: skip
    path = f"/transfers/{sent['id']}"
    stock = two.seen("/stock?sku=HA-3&site=MAIN")["items"][0]
    assert (stock["on_hand"], stock["usable"]) == ("12", "6")
    assert [row["id"] for row in two.seen("/transfers?site=SECOND&open=true")["items"]] == [sent["id"]]

    two.clock.now += timedelta(hours=5)
    assert two.made(f"{path}/receive", {})["state"] == "received"
    assert two.post(f"{path}/receive", {"lines": [{"lot": two.lot, "received": "6"}]}).status_code == 409
    assert two.seen("/transfers?open=true")["items"] == []
    assert stands(two, "SECOND", "SHELF") == {"A17": "6"}
    assert sound(two)


def test_a_part_arrives_a_part_is_lost_and_the_rest_is_taken_back(two):
    key = send(two, lines=[{"lot": two.lot, "quantity": "12"}])["id"]
    line = {"lot": two.lot, "received": "3", "missing": "3", "reason": "broken"}

    (told,) = two.made(f"/transfers/{key}/receive", {"lines": [line]})["lines"]
    assert (told["received"], told["missing"], told["left"]) == ("3", "3", "6")
    (told,) = two.made(f"/transfers/{key}/cancel", {"reason": "the van broke down"})["lines"]

    assert (told["returned"], told["left"]) == ("6", "0")
    assert two.post(f"/transfers/{key}/cancel", {"reason": "again"}).status_code == 409
    assert sound(two)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"target": "MAIN"}, 422),
        ({"target": "NOWHERE"}, 404),
        ({"lines": []}, 422),
        ({"lines": [{"quantity": "3"}]}, 422),
        ({"lines": [{"lot": 1, "quantity": "3", "sku": "HA-3"}]}, 422),
        ({"lines": [{"sku": "HA-3", "containers": 99}]}, 409),
        ({"lines": [{"sku": "HA-3", "containers": 0}]}, 422),
        ({"lines": [{"lot": 10**17, "quantity": "3"}]}, 404),
        ({"at": "2024-01-01T00:00:00Z"}, 409),
        ({"at": "2027-06-01T00:00:00Z"}, 422),
    ],
)
def test_what_cannot_be_sent_is_refused_and_nothing_moves(two, body, status):
    answer = two.post("/transfers", {"target": "SECOND", "lines": [{"lot": two.lot, "quantity": "3"}]} | body)

    assert answer.status_code == status, answer.get_json()
    assert two.seen("/transfers")["items"] == []


def test_the_sender_works_at_the_source_and_the_receiver_at_the_target(two):
    key = send(two)["id"]
    confine(two, Role.PRACTITIONER, "MAIN")
    refusal = two.post(f"/transfers/{key}/receive", {}, role=Role.PRACTITIONER)
    assert refusal.status_code == 404
    assert two.seen(f"/transfers/{key}", role=Role.PRACTITIONER)["id"] == key

    confine(two, Role.MANAGER, "SECOND")
    assert two.post(f"/transfers/{key}/cancel", {"reason": "x"}).status_code == 404
    body = {"site": "MAIN", "target": "SECOND", "lines": [{"lot": two.lot, "quantity": "3"}]}
    assert two.post("/transfers", body).status_code == 403
    assert two.get("/sites/MAIN/places").status_code == 403
    assert two.made(f"/transfers/{key}/receive", {})["state"] == "received"


def test_what_goes_elsewhere_is_not_shown_to_who_works_at_neither_end(two):
    with two.database.write.begin() as db:
        clinic.open_site(db, code="THIRD", name="Hill", country="US", region="North America", time_zone="UTC")
    key = send(two)["id"]
    confine(two, Role.ACCOUNTANT, "THIRD")

    assert two.get(f"/transfers/{key}", role=Role.ACCOUNTANT).status_code == 404
    assert two.seen("/transfers", role=Role.ACCOUNTANT)["items"] == []


def test_only_a_manager_writes_off_what_did_not_arrive(two):
    key = send(two)["id"]
    line = {"lot": two.lot, "received": "3", "missing": "3", "reason": "lost"}

    refusal = two.post(f"/transfers/{key}/receive", {"lines": [line]}, role=Role.PRACTITIONER)

    assert refusal.status_code == 403
    assert "Writing off what did not arrive is for manager or admin" in refusal.get_json()["detail"]
    line = {"lot": two.lot, "received": "3"}
    told = two.made(f"/transfers/{key}/receive", {"lines": [line]}, role=Role.PRACTITIONER)
    assert told["state"] == "partly_received"


def test_the_same_key_sends_once(two):
    body = {"target": "SECOND", "lines": [{"lot": two.lot, "quantity": "3"}]}
    headers = {"Idempotency-Key": "van-1"}

    first = two.post("/transfers", body, headers=headers)
    again = two.post("/transfers", body, headers=headers)

    assert first.get_json() == again.get_json()
    assert len(two.seen("/transfers")["items"]) == 1
