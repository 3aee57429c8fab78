"""Pages: what people see. Server-rendered, in one frame, usable without JavaScript.

To add a page:

1. Name its address and its roles in `rights.MAY` (one line for each method). The program does not start
   with a page that the table does not know, and a test asks for every page as every role.
2. Write the view in the module of its chapter (`blueprint = frame.chapter("quotes")`, listed in CHAPTERS
   below): read, call one function of the domain, and end with
   `return frame.page("quotes.html", title=..., ...)`. Values are handed over ready to show: the filters
   of `formats` write numbers and dates, and nothing in a template asks what something means.
3. Write the template: `{% extends "base.html" %}`, the blocks `title` and `main`, and the macros of
   `_macros.html` for heads, tables that become cards on a phone, figures, meters, fields and buttons.
4. A form has one address: GET shows it, POST does it. The view is
   `return forms.handle(Shape, show=show, do=do, first={...})`: the shape is made of the fields of
   `api.schemas`, `do` calls the domain and answers `forms.Done(address, "What was done.")`. Whatever the
   domain refuses stands in the form with what was typed; double clicks, the back button and a session that
   ended in the middle are dealt with there. In the template: `{{ ui.form_begin(form) }} ...
   {{ ui.form_end("Save") }}`.
5. Something that people edit carries its version in a hidden field; raise `forms.Stale` with both versions
   (see `catalog_pages.edit`).
6. Live parts use htmx on top of what works without it: `hx-get` on the form that a button sends too, and
   a view that answers the fragment alone when `HX-Request` is sent (see `shelf.listing`).
7. An entry in `navigation.ENTRIES`, an icon in `static_files.ICONS`, the page in `tests/browser/gallery.py`.

Who comes in is `entrance`'s part, what they may `rights`', their session `sign_ins`', the cookies and
headers `frame`'s. Costs are shown only where `frame.sees_costs()` (P5).
"""

from flask import Flask, Response
from jinja2 import PackageLoader, StrictUndefined

from api.web import (
    account_pages,
    advice_page,
    alert_pages,
    books,
    catalog_pages,
    closing,
    conversion_pages,
    count_desk,
    count_files,
    count_pages,
    course_desk,
    course_pages,
    deferred_pages,
    discount_pages,
    formats,
    forms,
    frame,
    help_pages,
    import_pages,
    lot_pages,
    mark_pages,
    numbers,
    order_pages,
    order_papers,
    packing,
    people,
    place_pages,
    price_pages,
    privacy_pages,
    problems,
    purchase_pages,
    quote_desk,
    quote_pages,
    quote_papers,
    quote_versions,
    recall_pages,
    receive,
    reorder,
    rights,
    shelf,
    sign_in,
    static_files,
    supplier_pages,
    today,
    trail_pages,
    transfer_pages,
    treat,
    undo_pages,
    value_pages,
    vial_pages,
    workbooks,
)
from api.web.entrance import enter as enter
from api.web.entrance import reached as reached
from api.web.entrance import replayed as replayed

CALLS = rights.OPEN | set(rights.MAY)
ASKING = rights.ASKING
CHAPTERS = (
    sign_in.blueprint,
    today.blueprint,
    alert_pages.blueprint,
    shelf.blueprint,
    catalog_pages.blueprint,
    lot_pages.blueprint,
    recall_pages.blueprint,
    undo_pages.blueprint,
    vial_pages.blueprint,
    receive.blueprint,
    count_desk.blueprint,
    count_pages.blueprint,
    count_files.blueprint,
    packing.blueprint,
    transfer_pages.blueprint,
    reorder.blueprint,
    advice_page.blueprint,
    order_pages.blueprint,
    order_papers.blueprint,
    books.blueprint,
    deferred_pages.blueprint,
    purchase_pages.blueprint,
    value_pages.blueprint,
    workbooks.blueprint,
    account_pages.blueprint,
    closing.blueprint,
    trail_pages.blueprint,
    conversion_pages.blueprint,
    numbers.blueprint,
    mark_pages.blueprint,
    place_pages.blueprint,
    price_pages.blueprint,
    discount_pages.blueprint,
    supplier_pages.blueprint,
    import_pages.blueprint,
    help_pages.blueprint,
    people.blueprint,
    privacy_pages.blueprint,
    quote_desk.blueprint,
    quote_pages.blueprint,
    quote_papers.blueprint,
    quote_versions.blueprint,
    course_pages.blueprint,
    course_desk.blueprint,
    treat.blueprint,
)


def install(app: Flask) -> None:
    """Add the pages to the application."""
    app.jinja_loader = PackageLoader("api.web")
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(formats.FILTERS)
    app.jinja_env.globals.update(icon=static_files.icon, address_of=static_files.address)
    app.add_url_rule("/static/<tag>/<path:name>", "web_static", static_files.send)
    for blueprint in CHAPTERS:
        app.register_blueprint(blueprint)


def finish(answer: Response) -> Response:
    """What every page's answer gets at the end: problems as pages, what was done, headers and cookies."""
    answer = problems.shown(answer)
    forms.say_what_was_done(answer)
    return frame.dress(answer)
