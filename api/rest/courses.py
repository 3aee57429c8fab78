"""JSON: courses sold, and how far each is."""

from typing import Any

import sqlalchemy as sa
from flask import g
from marshmallow import fields

from api import paging, where
from api.paging import PageQuery
from api.rest.calls import listed, noun, page_of
from api.schemas import Cost, Day, Moment, Money, Shape, Words, one_word
from inventory.clinic import Site
from pricing import courses, formulations
from pricing.courses import Course, SessionState

blueprint = noun("courses", "Courses sold")


class CourseSessionShape(Shape):
    """One session of a course; performed by the treatment session it names."""

    number = fields.Integer()
    planned_on = Day()
    price = Money()
    quoted_cost = Cost(allow_none=True)
    state = one_word(SessionState)
    session = fields.Integer(attribute="session_id", allow_none=True)


class CourseRowShape(Shape):
    """A course in a list."""

    id = fields.Integer()
    quote = fields.Integer(attribute="quote_id")
    site = fields.String()
    patient_ref = fields.String()
    level = fields.String()
    accepted_at = Moment()
    accepted_by = fields.String()


class CourseShape(CourseRowShape):
    """A course, session by session."""

    formulation = fields.String()
    late_reason = fields.String()
    sessions = fields.List(fields.Nested(CourseSessionShape))


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
    """Show a course: what is planned, and what was performed."""
    course = courses.course(g.db, course_id)
    site = where.of(course.site_id)
    recipe = formulations.version_by_id(g.db, course.formulation_version_id)
    named = ("id", "quote_id", "patient_ref", "level", "accepted_at", "accepted_by", "late_reason")
    return {name: getattr(course, name) for name in named} | {
        "site": site.code,
        "formulation": f"{recipe.code} version {recipe.version}",
        "sessions": courses.sessions(g.db, course),
    }
