"""The hostile corpus: some 2,500 requests and files nobody should send, each with the answer expected.

Each `*.jsonl` beside this file is a category, one case a line; `write.py` writes them from ranges, and what
it writes is kept, so that a case can be read, changed and pointed at. `files.py` makes bodies and files of
them. `python -m tests.faults.corpus` sends them all, prints counts, and fails on any breach: a wrong
answer, a 5xx, anything changed in the book, memory that grows.

A case: `id`; `send`, method and address; `expect`, every status that is right; and as needed `body` (JSON),
`text` or `base64` or `repeat` (pieces and how often), `file` (see `files.py`), `headers`, `page` (sent with
a signed-in browser's cookie), `absent` (what must not stand in the answer), `name` (of the problem).
`@name` is the key of something in the clinic.
"""
