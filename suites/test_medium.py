"""One or two paragraphs: natural pacing over a longer breath, up to what the token budget can speak.

Judged by criteria.py; the texts are corpus/medium.toml.
"""
