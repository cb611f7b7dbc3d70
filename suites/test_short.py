"""Short utterances, one or two sentences: where a clone most often stops early or runs on.

Judged by criteria.py; the texts are corpus/short.toml.
"""
