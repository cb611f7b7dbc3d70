"""Arabic in the voice of somebody who was recorded in another language.

Judged by criteria.py; the texts are corpus/cross_lingual.toml, whose `cross_lingual` never gives a text a voice of its
own language.
"""
