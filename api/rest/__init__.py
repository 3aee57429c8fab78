"""JSON, by noun: each call loads its shape, calls one function, and dumps the shape."""

from api.rest import (
    accounting,
    catalog,
    clinic,
    costings,
    courses,
    exports,
    lists,
    menu,
    quotes,
    receiving,
    scans,
    stock,
    suppliers,
    treatments,
    vials,
)

BLUEPRINTS = (
    clinic.blueprint,
    catalog.blueprint,
    suppliers.blueprint,
    scans.blueprint,
    receiving.blueprint,
    stock.blueprint,
    treatments.blueprint,
    vials.blueprint,
    quotes.blueprint,
    courses.blueprint,
    menu.blueprint,
    accounting.blueprint,
    exports.blueprint,
    lists.blueprint,
    costings.blueprint,
)
