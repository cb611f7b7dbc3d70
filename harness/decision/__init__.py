"""Numbers become verdicts: gates on a take, the comparison with the accepted release, and the answer for the release.

gates         one measurement against its limits
feasibility   gates that no speech could pass for a text
policy        margins and error rates
regression    two panels of numbers compared
sequential    looking again without more false alarms
rates         shares, intervals, chances
release       all questions of a release together
"""
