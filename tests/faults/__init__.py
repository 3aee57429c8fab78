"""Faults: the program as it runs, under crash, race, repetition, broken disks and load.

`python -m tests.faults NAME` runs one of them at full length, prints what it counted, and its status is
not 0 after any breach. Short forms run with the tests. Every one has the same judge: `vialbook verify`
over the book, and what was answered over the wire.
"""
