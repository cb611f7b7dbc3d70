"""Measuring the instrument: what the gates find and miss, how often they are wrong, what limits people give.

power         defects injected, and false alarms over sound speech
calibration   limits from recordings, by halves
audit         the release decision replayed on simulated releases
"""
