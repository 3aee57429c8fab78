"""Benchmarks: each figure is a ratio to a floor, the same rows by bare sqlite3, measured in the same run.

`python -m tests.benchmarks` runs them all; nothing here is collected by pytest.
"""
