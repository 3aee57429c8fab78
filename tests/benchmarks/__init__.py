"""Benchmarks: each figure is a ratio to a floor, the same rows by bare sqlite3, measured in the same run.

`python -m tests.benchmarks` runs them all; pytest collects nothing here, and `test_benchmarks` runs each on
a small book to see that ours and the floor give the same answers.
"""
