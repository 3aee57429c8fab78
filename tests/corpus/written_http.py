"""Hostile requests as such: bodies, headers, methods, request keys, and bytes that are hardly HTTP."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from tests.corpus import ranges
from tests.corpus.honest import HONEST

Case = dict[str, Any]
RECEIPT = json.dumps(HONEST["POST /receipts"])
JSON = {"Content-Type": "application/json"}


def bodies() -> Iterator[Case]:
    """JSON that is none, that says something twice, that never ends."""
    no_json = [
        "{", "}", "{}{}", "{} {}", "[", "nul", "tru", "'a'", "{'a': 1}", "{a: 1}", '{"a": 1,}', '{"a" 1}',
        '{"a": }',
        '{"a": 1 "b": 2}', "// x\n{}", "/* x */ {}", "{} // x", "<a/>", "a=1", "---\na: 1", '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": -Infinity}', '{"a": 01}', '{"a": +1}', '{"a": .5}', '{"a": 1.}', '{"a": 0x10}', '{"a": 1e}',
        '{"a": "\n"}', '{"a": "\\x41"}', '{"a": "\\u12"}', '{"a": "', '{"a": undefined}', "\ufeff{}", "\x00",
        "{}\x00",
        "\x1e{}", "{}]", "{}garbage", RECEIPT + RECEIPT, RECEIPT + "\n" + RECEIPT, RECEIPT + ",",
        RECEIPT + " x",
        '{"sku": "A", "sku": "B"}', '{"x": {"a": 1, "a": 2}}', '{"sku": "A", "\\u0073ku": "B"}',
        '[{"a": 1, "a": 2}]',
        RECEIPT[:-1] + ', "containers": 1}', RECEIPT[:-1] + ', "sku": "MP-002"}',
    ]  # fmt: skip
    for text in no_json:
        yield {"send": "POST /receipts", "text": text, "headers": JSON, "expect": [400]}
        yield {"send": "POST /sessions", "text": text, "headers": JSON, "expect": [400]}
    for depth in (1_000, 10_000, 100_000, 1_000_000):
        for before, after in (("[", "]"), ('{"a":', "}")):
            middle = [["1", 1]] if "a" in before else []
            pieces = [['{"x":', 1], [before, depth], *middle, [after, depth], ["}", 1]]
            expect = [400, 413] if depth > 100_000 else [400, 422]
            yield {"send": "POST /receipts", "repeat": pieces, "headers": JSON, "expect": expect}
    for piece, times in (
        ("0,", 1_000_000),
        ("{},", 1_000_000),
        ('"",', 1_000_000),
        ("[],", 1_000_000),
        ("null,", 900_000),
    ):
        pieces = [['{"lines":[', 1], [piece, times], ["0]}", 1]]
        yield {"send": "POST /sessions", "repeat": pieces, "headers": JSON, "expect": [422]}
        yield {
            "send": "POST /counts",
            "repeat": [['{"skus":[', 1], *pieces[1:]],
            "headers": JSON,
            "expect": [422],
        }
    yield from _large()


def _large() -> Iterator[Case]:
    """Numbers and texts that are too long, and bytes that are no text."""
    for digits in (10, 1_000, 5_000, 100_000, 1_000_000):
        expect = [422] if digits < 4_300 else [400]
        yield {"send": "POST /receipts", "repeat": [['{"containers":', 1], ["9", digits], ["}", 1]],
            "headers": JSON,
               "expect": expect}  # fmt: skip
    for size in (5 * 1024 * 1024, 6 * 1024 * 1024, 7 * 1024 * 1024):
        yield {
            "send": "POST /receipts",
            "repeat": [['{"sku":"', 1], ["x", size], ['"}', 1]],
            "headers": JSON,
            "expect": [413],
        }
        yield {"send": "POST /imports/items", "repeat": [["x", size + 1]],
            "headers": {"Content-Type": "text/csv"},
               "expect": [413, 422]}  # fmt: skip
    for raw in (b"\xff", b'{"a": "\xff"}', b'{"a": "\xc0\xaf"}', b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\xf4\x90\x80\x80"}',
                RECEIPT.encode("utf-16"), RECEIPT.encode("utf-32"), RECEIPT.encode("utf-16-le"),
                    b"\x1f\x8b\x08\x00",
                b"PK\x03\x04", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", bytes(1000)):  # fmt: skip
        yield {
            "send": "POST /receipts",
            "base64": base64.b64encode(raw).decode(),
            "headers": JSON,
            "expect": [400],
        }
        yield {
            "send": "POST /quotes",
            "base64": base64.b64encode(raw).decode(),
            "headers": JSON,
            "expect": [400],
        }


def requests() -> Iterator[Case]:
    """Wrong content types, methods, conditions, cookies, tokens; and addresses that are none."""
    for kind in (
        "text/plain", "text/html", "application/xml", "text/xml", "application/x-www-form-urlencoded",
        "text/json",
        "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x",
        "application/octet-stream",
        "application/jsonp", "application/json-patch+json", "application/merge-patch+json",
        "application/ld+json",
        "*/*", "application/*", "json", "application/json, text/plain", "text/plain; application/json",
        "application/x-yaml",
        "application/msgpack", "application/vnd.api+json", "image/png", "message/http", "x" * 5_000,
    ):  # fmt: skip
        for call in ("POST /receipts", "POST /sessions", "POST /quotes"):
            yield {"send": call, "text": json.dumps(HONEST[call]), "headers": {"Content-Type": kind},
                   "expect": [400, 415]}  # fmt: skip
    for path in (
        "/items",
        "/lots",
        "/receipts",
        "/sessions",
        "/quotes",
        "/journal",
        "/settings",
        "/movements",
        "/counts",
    ):
        # The framework answers OPTIONS itself, with the methods that there are.
        yield {"send": f"OPTIONS {path}", "expect": [200]}
        for method in (
            "DELETE",
            "TRACE",
            "CONNECT",
            "PROPFIND",
            "MKCOL",
            "LOCK",
            "PURGE",
            "LINK",
            "FOO",
            "X" * 300,
        ):
            yield {"send": f"{method} {path}", "expect": [405]}
    yield from _conditions()


def _conditions() -> Iterator[Case]:
    """Methods in headers, conditions that do not hold, tokens and cookies of nobody."""
    for override in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        for method in ("DELETE", "PUT", "PATCH", "POST"):
            yield {"send": "GET /items", "headers": {override: method}, "expect": [200]}
            yield {"send": f"GET /items?_method={method}", "headers": {override: method}, "expect": [422]}
            yield {"send": "POST /receipts", "body": {}, "headers": {override: method}, "expect": [422]}
    for call in ("PATCH /items/MP-001", "PUT /settings/price_step"):
        body = {"name": "X"} if "items" in call else {"value": "5.00", "reason": "x"}
        yield {"send": call, "body": body, "expect": [428]}
        for tag in ('"x"', "x", 'W/"x"', '"', "", '"a", "b"', "'a'", '"' + "x" * 5_000 + '"', "1", "null"):
            yield {"send": call, "body": body, "headers": {"If-Match": tag}, "expect": [412, 428]}
    for token in ("", " ", "Bearer", "Bearer ", "bearer x", "Basic YTpi", "Digest x", "Bearer x y",
        "Token x", "Bearer null",
                  "Bearer undefined", "Bearer \xe9", {"repeat": [["Bearer ", 1], ["x", 20_000]]},
                  "Bearer ' OR 1=1 --", "Bearer ../../x",
                  "Bearer eyJhbGciOiJub25lIn0.e30.", "BEARER", ",", "Bearer,x", "\x80"):  # fmt: skip
        for path in ("/items", "/valuation", "/settings"):
            yield {"send": f"GET {path}", "headers": {"Authorization": token}, "expect": [401]}
        yield {"send": "POST /receipts", "body": {}, "headers": {"Authorization": token}, "expect": [401]}
    for cookie in ("vialbook-session=x", {"repeat": [["x", 60_000]]}, "vialbook-session=\xff",
        {"repeat": [["a=b; ", 5_000]]},
                   "vialbook-session", "=", ";;;;", "vialbook-session=\"", "vialbook-site=' OR 1=1",
                   "__proto__=x",
                   "vialbook-notice=e30=", "vialbook-notice=W10=", "vialbook-theme=<script>",
                   "vialbook-session=a; vialbook-session=b"):  # fmt: skip
        yield {"send": "GET /items", "headers": {"Cookie": cookie, "Authorization": ""}, "expect": [401]}
        yield {"send": "GET /sign-in", "page": True, "headers": {"Cookie": cookie}, "expect": [200, 303]}
        yield {"send": "GET /stock", "page": True, "headers": {"Cookie": cookie}, "expect": [200, 303]}
    yield from _headers()


def _headers() -> Iterator[Case]:
    """Headers that mean nothing or want to mean too much; addresses and questions that are none."""
    for name, value in (
        ("Accept", "x" * 5_000), ("Accept", "image/png"), ("Accept-Language", "x," * 3_000),
        ("Accept-Encoding", "br;q=x"),
        ("Accept-Charset", "utf-7"), ("Range", "bytes=0-1,2-3,4-5"), ("Range", "bytes=-1"), ("If-None-Match",
        "*"),
        ("If-Modified-Since", "yesterday"), ("If-Modified-Since", "9" * 3_000), ("X-Forwarded-For",
        "127.0.0.1"),
        ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "javascript"), ("Forwarded",
        "for=127.0.0.1;host=evil"),
        ("X-Original-URL", "/api/v1/valuation"), ("X-Rewrite-URL", "/api/v1/valuation"), ("X-Request-Id",
        "a\x7fb"),
        ("X-Request-Id", "x" * 5_000), ("Expect", "200-ok"), ("Upgrade", "h2c"), ("Origin", "null"),
        ("Referer", "x" * 9_000),
        ("User-Agent", "() { :;}; echo x"), ("User-Agent", "${jndi:ldap://x}"), ("User-Agent", ""),
        ("Prefer", "x"),
    ):  # fmt: skip
        for path in ("/items", "/lots"):
            yield {"send": f"GET {path}", "headers": {name: value}, "expect": [200, 304]}
    for path in ("/nowhere", "//items", "/items/", "/items//", "/./items", "/ITEMS", "/items;a=b",
        "/items%2f", "/items%00",
                 "/%", "/%zz", "/items.json", "/items.xml", "/v2/items", "/admin", "/debug", "/console",
                 "/graphql",
                 "/actuator", "/.well-known/x", "/wp-login.php", "/cgi-bin/x", "/server-status",
                 "/" + "a/" * 2_000):  # fmt: skip
        yield {"send": f"GET {path}", "expect": [404]}
    for query in ("?a=1", "?limit=1&limit=2", "?after=x", "?after=" + "A" * 5_000, "?after=%00",
        "?after=bnVsbA", "?[]=1",
                  "?limit[]=1", "?limit[$gt]=1", "?%00=1", "?=1", "?limit", "?after=e30=", "?after=W10=",
                  "?after=WzEsMl0.x", "?" + "&".join(f"p{number}=1" for number in range(2_000))):  # fmt: skip
        for path in ("/items", "/lots", "/movements"):
            yield {"send": f"GET {path}{query}", "expect": [422]}


def keys() -> Iterator[Case]:
    """Request keys that are none: refused before anything is done."""
    for key in ranges.REQUEST_KEYS:
        for call in ("POST /receipts", "POST /sessions", "POST /quotes", "POST /moves", "POST /transfers",
                     "POST /courses/@course/payments"):  # fmt: skip
            yield {"send": call, "body": HONEST[call], "headers": {"Idempotency-Key": key}, "expect": [400]}


HEAD = (
    "{} /api/v1/receipts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer @token\r\n"
    "Content-Type: application/json\r\n"
)
EMPTY = "Content-Length: 2\r\n\r\n{}"


GET = "GET /api/v1/items HTTP/1.1\r\nHost: localhost\r\n"
POST = HEAD.format("POST")
CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = "GET /api/v1/valuation HTTP/1.1\r\nHost: x\r\n\r\n"
HARDLY_HTTP = [
    # Whoever says two lengths, or a length and chunks, wants two readers to disagree.
    POST + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED,
    POST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    POST + "Content-Length: 2\r\nContent-Length: 44\r\n\r\n{}" + SMUGGLED,
    POST + "Content-Length: 2, 44\r\n\r\n{}",
    POST + "Content-Length: -1\r\n\r\n{}", POST + "Content-Length: +2\r\n\r\n{}",
        POST + "Content-Length: 0x2\r\n\r\n{}",
    POST + "Content-Length: two\r\n\r\n{}", POST + "Content-Length: 2 2\r\n\r\n{}",
        POST + "Content-Length: 1e1\r\n\r\n{}",
    POST + "Content-Length: 99999999999999999999\r\n\r\n{}",
        POST + "Content-Length: 9999999999\r\n\r\n{}",
    POST + "Transfer-Encoding: chunked, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    POST + "Transfer-Encoding: identity, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    POST + "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    POST + "Transfer-Encoding: x\r\n\r\n{}", POST + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    POST + "Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    CHUNKED + "zz\r\n{}\r\n0\r\n\r\n", CHUNKED + "-2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + "+2\r\n{}\r\n0\r\n\r\n",
    CHUNKED + "0x2\r\n{}\r\n0\r\n\r\n", CHUNKED + "2\r\n{}x\r\n0\r\n\r\n",
        CHUNKED + "\r\n{}\r\n0\r\n\r\n",
    CHUNKED + "2;a=\r\n{}\r\nz\r\n\r\n", CHUNKED + "ffffffffffffffff\r\n{}\r\n",
        CHUNKED + "2 \r\n{}\r\n0\r\n\r\n",
    CHUNKED + "2\n{}\n0\n\n",
    "GET /api/v1/items\r\n\r\n", "GET\r\n\r\n", "\x00\x01\x02\x03\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    "GET  /api/v1/items HTTP/1.1\r\nHost: x\r\n\r\n", "GET /api/v1/items HTTP/9.9\r\nHost: x\r\n\r\n",
    "GET /api/v1/items HTTP/1.1 x\r\nHost: x\r\n\r\n", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "get /api/v1/items http/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET /api/v1/items FTP/1.1\r\nHost: x\r\n\r\n",
    GET + "Bad Header: x\r\n\r\n", GET + "Bad\x00: x\r\n\r\n", GET + " folded: x\r\n\r\n",
        GET + ": x\r\n\r\n",
    GET + "X: a\x00b\r\n\r\n", GET + "X: a\rb\r\n\r\n", GET + "X\r\n\r\n", GET + "X : y\r\n\r\n",
    GET + "X: a\r\n b\r\n\r\n", GET + "Authorization : Bearer @token\r\n\r\n",
    {"repeat": [[GET + "X: ", 1], ["a", 70_000], ["\r\n\r\n", 1]]},
    {"repeat": [[GET, 1], ["X: a\r\n", 20_000], ["\r\n", 1]]},
    {"repeat": [["GET /", 1], ["a", 70_000], [" HTTP/1.1\r\nHost: x\r\n\r\n", 1]]},
    {"repeat": [[POST + "Content-Length: 9000000\r\n\r\n", 1], ["x", 8_500_000]]},
    {"repeat": [[CHUNKED, 1], ["10000\r\n" + "x" * 65_536 + "\r\n", 140], ["0\r\n\r\n", 1]]},
    GET.replace("GET", "TRACE") + "\r\n", GET.replace("GET", "CONNECT") + "\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "GET http://evil.example/api/v1/items HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET //evil.example/api/v1/items HTTP/1.1\r\nHost: x\r\n\r\n",
    GET + "Expect: 100-continue\r\n\r\n", POST + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    POST + EMPTY, POST + "Content-Length: 1\r\n\r\n{}", CHUNKED + "2\r\n{}\r\n0\r\n\r\n",
    POST + "Content-Encoding: gzip\r\n" + EMPTY, POST.replace("POST", "PUT") + EMPTY,
        "POST" + POST[4:] + "\r\n",
    CHUNKED + "2;ext=" + "x" * 5_000 + "\r\n{}\r\n0\r\n\r\n",
        CHUNKED + "2\r\n{}\r\n0\r\nX-Trailer: y\r\n\r\n",
    POST + "X-HTTP-Method-Override: DELETE\r\n" + EMPTY, "HEAD /api/v1/items HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /api/v1/items HTTP/1.0\r\n\r\n", "GET /api/v1/items HTTP/1.1\r\n\r\n",
    "\r\n\r\n\r\n" + GET + "\r\n",
    GET + "Host: evil.example\r\n\r\n", "GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    POST + "Content-Length: 50\r\n\r\n{", CHUNKED + "5\r\n{", GET, "POST /api", "",
]  # fmt: skip


def sockets() -> Iterator[Case]:
    """Bytes as no library sends them. The server may also say nothing and hang up."""
    for data in HARDLY_HTTP:
        yield {"raw": data, "expect": "4xx or nothing", "encoding": "latin-1"}
