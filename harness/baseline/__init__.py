"""The accepted release: its record in `golden/`, how a run becomes it, and what came before.

golden       the record on disk
acceptance   the only way into it
history      every run and acceptance, and when a metric took a step
"""
