"""Pages in a real browser: journeys by keyboard, axe on every page, and the gallery that people look at."""
