"""Texts as they come: digits, Latin names, one word, no final stop, marks in odd places.

Judged by criteria.py; the texts are corpus/robustness.toml.
"""
