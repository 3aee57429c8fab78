"""Journeys in a real browser: Debian's chromium, by keyboard, on a desk and in the hand."""
