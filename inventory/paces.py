"""Paces: how busy the clinic was, so that a season of all items is not taken for a change of taste (O1).

A season of a year and a slow drift, seen through the noise of what was asked for: regression with a Gaussian
process. A season that is known tells today's pace where a mean of the latest weeks lags behind it.

Numpy and floats; no database, no clock. Days count back from today (0).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

SEASON = 0.02  # variance of the clinic's pace within a year: a fifth more in one season, less in another
DRIFT = 0.004  # variance of what else it does, forgotten within years
LEVEL = 0.04  # variance of its mean
CLUMPED = 3.0  # lines of a session: so much noisier are counts of lines than of what comes one by one
LEAST = 0.05  # of the usual pace


def against_today(totals: "Floats", lengths: "Floats") -> "Floats":
    """How busy the clinic was in each block of days, the latest first, as a multiple of today's pace.

    `totals` are the lines asked for in each block, `lengths` its days, none of them 0.
    """
    import numpy as np

    usual = max(float(totals.sum()), 1.0) / float(lengths.sum())
    expected = usual * lengths
    ago = np.append(np.cumsum(lengths) - lengths / 2, 0.0)  # the middles of the blocks, and today
    apart = np.abs(ago[:, None] - ago)
    alike = LEVEL + SEASON * np.cos(2 * np.pi * apart / 365) + DRIFT * np.exp(-apart / 365)
    seen = alike[:-1, :-1] + np.diag(CLUMPED / expected)
    pace = np.maximum(1 + alike[:, :-1] @ np.linalg.solve(seen, totals / expected - 1), LEAST)
    return np.asarray(pace[:-1] / pace[-1])
