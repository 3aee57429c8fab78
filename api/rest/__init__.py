"""JSON, by noun: each call loads its shape, calls one function, and dumps the shape."""

from api.rest import catalog, clinic, scans, suppliers

BLUEPRINTS = (clinic.blueprint, catalog.blueprint, suppliers.blueprint, scans.blueprint)
