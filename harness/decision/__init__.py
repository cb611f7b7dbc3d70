"""Numbers become verdicts: gates on a take, the comparison with the accepted release, and the answer for the release.

gates         one measurement against its limits
feasibility   gates that no speech could pass for a text
policy        margins and error rates
regression    two panels of numbers compared
sequential    looking again without more false alarms
rates         shares, intervals, chances
change        how much a metric changed and how surely, for many runs at once
exchange      whether takes of both releases could have been dealt the other way round
questions     every question about a release, answered for many runs at once
outlook       what an answer is worth: what would decide it, what it finds, what it excludes
steps         whether the level of a series changed
release       all questions of a release together
"""
