"""Fully vocalised Arabic: the marks must neither stretch the speech nor break the voice.

Judged by criteria.py and by what follows; the texts are corpus/diacritized.toml.
"""


def test_speaks_the_marks_of_a_minimal_pair(require):
    require("pair_contrast", "pair_reading")
