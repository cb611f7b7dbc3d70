"""The recognisers of a run: which metrics rest on which weights, and whether they know the languages."""

from collections.abc import Iterable

from harness import registry
from harness.metrics.declaration import Missing
from harness.metrics.intelligibility import RECOGNIZERS
from harness.metrics.measuring import Measuring
from harness.metrics.recognition import check_language, weights_of


def weights_by_metric(measuring: Measuring, metrics: Iterable[str]) -> dict[str, str]:
    """The hash of the weights of the recogniser that each metric on the words rests on; none where none was given."""
    known = registry.metrics()
    found = {}
    for name in metrics:
        for instrument in RECOGNIZERS:
            if instrument in known[name].everything_needed:
                found[name] = _weights_of(measuring, instrument)
    return {name: weights for name, weights in found.items() if weights is not None}


def _weights_of(measuring: Measuring, instrument: str) -> str | None:
    try:
        return weights_of(measuring.of_run(instrument))
    except Missing:
        return None  # none was given: its metrics say so themselves


def check_languages(measuring: Measuring, languages: Iterable[str]) -> None:
    """Whether the recognisers know the languages of a run, before anything is generated.

    Raises:
        UsageError: One does not.
    """
    for instrument in RECOGNIZERS:
        try:
            recognizer = measuring.of_run(instrument)
        except Missing:
            continue
        for language in sorted(set(languages)):
            check_language(recognizer, language)
