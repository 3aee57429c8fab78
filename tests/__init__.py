"""The tests: flat, one file per module, sentences about the clinic."""
