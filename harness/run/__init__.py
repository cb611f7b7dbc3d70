"""One run: what it asks of the system under test, and in which order things happen."""
