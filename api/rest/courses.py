"""JSON: courses sold, and how far each is."""

from typing import Any

import sqlalchemy as sa
from flask import g

from api import paging, where
from api.paging import PageQuery
from api.rest.calls import listed, noun, page_of
from api.rest.course_shapes import CourseRowShape, CourseShape
from api.schemas import Words
from inventory.clinic import Site
from pricing import course_book, course_events, course_money, courses, formulations, variance
from pricing.courses import Course

blueprint = noun("courses", "Courses sold")


class CourseQuery(PageQuery):
    """Which courses."""

    patient_ref = Words(40)


@blueprint.get("/courses")
@blueprint.arguments(CourseQuery, location="query")
@blueprint.response(200, page_of(CourseRowShape))
def list_courses(query: dict[str, Any]) -> Any:
    """List the courses, the newest first."""
    table = Course.__table__
    statement = sa.select(*table.c, Site.code.label("site")).join(Site, Site.id == table.c.site_id)
    statement = where.narrowed(statement, table.c.site_id)
    if "patient_ref" in query:
        statement = statement.where(table.c.patient_ref == query["patient_ref"])
    page = paging.rows(
        g.db, statement, table.c.id, limit=query["limit"], after=query["after"], descending=True
    )
    return listed(page)


@blueprint.get("/courses/<id:course_id>")
@blueprint.response(200, CourseShape)
def get_course(course_id: int) -> Any:
    """Show a course: what is planned, what was performed, paid and given back (P5, B2, C6)."""
    course = courses.course(g.db, course_id)
    site = where.of(course.site_id)
    recipe = formulations.version_by_id(g.db, course.formulation_version_id)
    named = (
        "id", "quote_id", "patient_ref", "level", "accepted_at", "accepted_by", "late_reason", "expires_on",
    )  # fmt: skip
    return {name: getattr(course, name) for name in named} | {
        "site": site.code,
        "formulation": f"{recipe.code} version {recipe.version}",
        "policy": course_money.terms(g.db, course.id).policy,
        "sessions": courses.sessions(g.db, course),
        "account": course_money.account(g.db, course.id),
        "entries": course_book.entries(g.db, course.id),
        "events": course_events.events(g.db, course.id),
        "variance": variance.of_course(g.db, course) if g.caller.sees_costs else None,
    }
