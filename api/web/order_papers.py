"""Pages: an order as a document and as a sheet, to be sent to the supplier (O3)."""

from tempfile import SpooledTemporaryFile

from flask import Response, g

from api.web import downloads, frame, order_pages
from inventory import clinic, order_views
from inventory.catalog import Supplier

blueprint = frame.chapter("order_papers")

IN_MEMORY = 1024 * 1024


@blueprint.get("/orders/<id:order_id>/order.pdf")
def document(order_id: int) -> Response:
    """The order on paper."""
    from api import order_document  # most pages need no documents

    subject, site = order_pages.named(order_id)
    found = order_views.view(g.db, subject)
    supplier = g.db.get_one(Supplier, subject.supplier_id)
    answer = Response(
        order_document.pdf(g.db, found, site=site, supplier=supplier), mimetype="application/pdf"
    )
    answer.headers["Content-Disposition"] = f'inline; filename="{found.number}.pdf"'
    return answer


@blueprint.get("/orders/<id:order_id>/order.xlsx")
def sheet(order_id: int) -> Response:
    """The order as a sheet, for a supplier that reads it into its own books."""
    from api import order_lines_sheet

    subject, site = order_pages.named(order_id)
    found = order_views.view(g.db, subject)
    settings, file = clinic.settings(g.db), SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (sent)
    order_lines_sheet.write(file, found, clinic=settings.clinic_name, site=site, currency=settings.currency)
    file.seek(0)
    return downloads.workbook(file, name=f"{found.number}.xlsx")
