"""`python -m harness COMMAND`: what a team does around the test runs."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.arguments import arguments_of
from harness.errors import CorpusError, GoldenError, HarnessError, UsageError

if TYPE_CHECKING:
    from harness.baseline.acceptance import Finished, Terms

USAGE_ERROR = 4  # pytest's own code for it
HARNESS_ERROR = 3
BROKEN_PIPE = 141  # what a shell says of a program that the signal ended


def _init(arguments: argparse.Namespace) -> int:
    """Write a suites folder for your own repository: gates, two texts, a place for voices, a CI workflow."""
    from harness import starter

    for path in starter.write(Path(), arguments.name, arguments.language):
        print(f"wrote {path}")
    print(f"pytest {arguments.name}/ judges the demonstration voice; --backend and --model name yours")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    """Say what this machine can run, and which texts the documented numbers can judge."""
    from harness.lab import doctor

    print("\n".join(doctor.lines()))
    return 0


def _accept(arguments: argparse.Namespace) -> int:
    """Make the takes of a run the accepted release, the only writer of golden/; or measure that release again."""
    from dataclasses import replace

    from harness.baseline import acceptance, signature
    from harness.decision.listening import load_preference
    from harness.records.gate import Outcome
    from harness.report.listening import conduct
    from harness.run.rejudging import finished, judged_again
    from harness.run.remeasuring import remeasure

    run = finished(arguments.out)
    terms, signed = _terms(arguments, run), signature.of(run.store.out)
    if arguments.remeasure:
        return _each(arguments.suites, lambda suite: remeasure(run.record, suite, terms, arguments.out))
    print("signature:", signed.said if signed else "none")
    terms = replace(terms, heard=conduct.heard(arguments.out, load_preference(arguments.gates_file)))
    if terms.heard.outcome != Outcome.REFUSED:
        print(f"listeners: {terms.heard.outcome}, {terms.heard.said}")

    def accept(suite: str) -> Path:
        return acceptance.accept(judged_again(run, suite, terms.profile), suite, terms)

    return _each(arguments.suites, lambda suite: [f"accepted: {relpath(accept(suite))}"])


def _diff(arguments: argparse.Namespace) -> int:
    """Show a run beside the accepted release, worst utterances first."""
    from harness.baseline.difference import difference
    from harness.run.rejudging import finished

    run = finished(arguments.out)
    terms = _terms(arguments, run)
    return _each(arguments.suites, lambda suite: difference(run, suite, terms))


def _sign(arguments: argparse.Namespace) -> int:
    """Sign for a run: ship it or hold it; bound to this run by its hash."""
    from harness.baseline import signature
    from harness.records import schema
    from harness.records.signature import HOW_TO_SIGN, Decision, Signature

    if arguments.file:
        made = schema.decode(arguments.file.read_bytes(), Signature, str(arguments.file), HOW_TO_SIGN)
        signed = signature.keep(arguments.out, made)
    elif arguments.verdict:
        signed = signature.sign(arguments.out, arguments.by, Decision(arguments.verdict), arguments.note)
    else:
        raise UsageError("nothing is signed: give --by NAME with --verdict ship or hold, or --file SIGNATURE")
    print(signed.said)
    return 0


def _listen(arguments: argparse.Namespace) -> int:
    """Hear accepted and new takes blindly, and count what was preferred."""
    from harness.report.listening import conduct

    return conduct.conduct(arguments.out, arguments.pairs, arguments.add, None if arguments.page else arguments.port)


def _each(suites: Sequence[str], do: Callable[[str], list[str]]) -> int:
    """Do something for every suite, also after one that could not be done."""
    status = 0
    for suite in suites:
        try:
            print("\n".join(do(suite)))
        except GoldenError as error:
            print(f"ERROR: {error}", file=sys.stderr)
            status = USAGE_ERROR
    return status


def _terms(arguments: argparse.Namespace, run: "Finished") -> "Terms":
    from harness.baseline.acceptance import Terms
    from harness.decision import gates, policy
    from harness.run.rejudging import rules_here

    rules, margins = policy.load_policy(arguments.gates_file)
    backend = str(run.record.settings.get("backend", run.about.backend))
    profile = gates.load_profile(run.about.gates, backend, arguments.gates_file)
    return Terms(
        by=getattr(arguments, "by", ""),
        override=getattr(arguments, "override", ""),
        profile=profile,
        policy=rules,
        margins=margins,
        folder=arguments.golden,
        audio=getattr(arguments, "golden_audio", None),
        corpus=arguments.corpus,
        rules=rules_here(run.record, profile, arguments.gates_file, arguments.corpus, arguments.out),
    )


def _history(arguments: argparse.Namespace) -> int:
    """Tell every run and acceptance, and when a metric took a step."""
    from harness.baseline import history
    from harness.decision.policy import load_policy
    from harness.records.history import NAME

    print("\n".join(history.trend(history.read(arguments.out / NAME), load_policy()[1])))
    return 0


def _audit(arguments: argparse.Namespace) -> int:
    """Say how often a verdict is wrong: replay the whole decision on simulated releases."""
    from dataclasses import replace

    from harness.baseline import golden
    from harness.decision import gates, policy
    from harness.lab import audit
    from harness.records import audit as kept_audit
    from harness.records import schema

    rules, margins = policy.load_policy(arguments.gates_file)
    profile = gates.load_profile(arguments.gates, arguments.backend, arguments.gates_file)
    rules = replace(rules, broken_share=profile.broken_share)
    found = {suite: golden.read(arguments.golden, arguments.backend, suite) for suite in arguments.suites}
    missing = [suite for suite, baseline in found.items() if baseline is None]
    if missing:
        raise GoldenError(f"no release was accepted in {', '.join(missing)}: {golden.how_to_accept(missing[0])}")
    kept = [baseline for baseline in found.values() if baseline is not None]
    about = golden.rests_on(kept, rules, margins)
    corpus, design = audit.of_baselines(kept, rules, margins, arguments.spread, arguments.broken)
    for line in audit.audit(corpus, design, arguments.null, arguments.planted, about):
        if isinstance(line, str):
            print(line, flush=True)
        elif arguments.keep:
            path = kept_audit.path_of(arguments.golden, arguments.backend)
            schema.write(path, line)
            print(f"kept: {relpath(path)}")
    return 0


def _told(line: str) -> None:
    """How far something long is, beside what it prints at its end."""
    print(line, file=sys.stderr, flush=True)


def _power(arguments: argparse.Namespace) -> int:
    """Measure what each gate finds and how often it rejects sound speech."""
    import tempfile

    from harness.lab import beds, hearing, power
    from harness.records import power_table
    from harness.records.schema import write

    with tempfile.TemporaryDirectory() as work:
        takes = beds.spoken(arguments.speech, Path(work)) if arguments.speech else []
        if arguments.texts:
            takes += beds.demonstration(arguments.texts)
        of_beds = {bed: [one for one in takes if beds.bed_of(one) == bed] for bed in map(beds.bed_of, takes)}
        takes = [one for mine in of_beds.values() for one in beds.spread(mine, arguments.sound)]
        spoilt = dict.fromkeys(of_beds, arguments.spoilt)
        hears = None
        if arguments.asr:
            floors = hearing.of_floors(one.take.request.reference for one in takes)
            hears = hearing.Hearing(arguments.asr, floors, arguments.cache)
        table = power.measure(takes, spoilt, arguments.workers, arguments.only_rejected, hears, _told)
    fresh = table.record()
    print(*power_table.lines(fresh), sep="\n")
    if arguments.out:
        write(arguments.out, fresh)
        print(f"written to {arguments.out}")
    if not arguments.check:
        return 0
    complaints = power_table.worse(power_table.read(arguments.check), fresh)
    for line in complaints:
        print(f"WORSE  {line}")
    return int(bool(complaints))


def _calibrate(arguments: argparse.Namespace) -> int:
    """Limits and error rates on a team's own speech: of similarity, (--words) of words, or (--limits) of all gates."""
    from harness import audio
    from harness.lab import calibration, limit_calibration, speech, word_calibration
    from harness.metrics.speaker_encoder import open_encoder

    if arguments.limits:
        if not arguments.speech or arguments.words:
            raise UsageError("--limits needs --speech FOLDER, and goes without --words")
        lines: list[str] = []
        text = "".join(f"{line}\n" for line in limit_calibration.report(arguments.speech))
    elif arguments.words:
        if not (arguments.asr and arguments.speech):
            raise UsageError("--words needs --asr MODEL and --speech FOLDER")
        lines, text = word_calibration.report(arguments.speech, arguments.asr, arguments.language, arguments.cache)
    else:
        clips = speech.of_voices(arguments.voices, arguments.voices_language) if arguments.voices else []
        clips = clips or speech.recordings(arguments.speech)
        lines, text = calibration.report(clips, open_encoder(arguments.speaker_encoder))
    print(*lines, text, sep="\n", end="")
    if arguments.out:
        audio.write_atomically(arguments.out, text.encode())
    return 0


def _estimate(arguments: argparse.Namespace) -> int:
    """Say what a run of so many takes costs, and the smallest loss that it finds, from the rates of a run."""
    from harness.lab import estimate

    print("\n".join(estimate.of_run(arguments.takes, arguments.utterances, estimate.Where.of(arguments))))
    return 0


def _report(arguments: argparse.Namespace) -> int:
    """Draw the report of a run again, also of one that was killed; exits as the run does."""
    from harness import report
    from harness.report import page, terminal
    from harness.run.journal import Journal

    out = Path(arguments.out)
    record = Journal(out).record()
    shown = report.write(record, out)
    if arguments.alluredir:
        from harness.report import allure, allure_takes

        allure.write_run(record, arguments.alluredir, out)
        allure_takes.write_takes(record, arguments.alluredir, out)
    if arguments.single_file:
        shown = page.write_single_file(record, out)
    print(*terminal.summary(record, out, shown), sep="\n")
    return record.exit_code


def _allure(arguments: argparse.Namespace) -> int:
    """Make the Allure report of a run; its page asks nobody for anything."""
    from harness.report import allure_site

    print(allure_site.generate(Path(arguments.results), Path(arguments.report)))
    return 0


def _tiny_higgs(arguments: argparse.Namespace) -> int:
    """Build a tiny random checkpoint of Higgs Audio v2 in DIR/model and DIR/codec, to run the whole gate on a CPU."""
    from harness.backends.higgs import tiny

    folder = Path(arguments.folder)
    tiny.write(folder)
    print(f"pytest suites/ --backend higgs --model {folder / 'model'} --codec {folder / 'codec'}")
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "init": _init,
    "doctor": _doctor,
    "accept": _accept,
    "diff": _diff,
    "history": _history,
    "listen": _listen,
    "sign": _sign,
    "audit": _audit,
    "estimate": _estimate,
    "power": _power,
    "calibrate": _calibrate,
    "report": _report,
    "allure": _allure,
    "tiny-higgs": _tiny_higgs,
}


def _suites(given: Sequence[str], corpus: Path) -> list[str]:
    from harness.corpus import suites_of

    there = suites_of(corpus)
    for name in given:
        if name not in there:
            raise CorpusError(f"suite {name!r} is unknown; {corpus} has {', '.join(there)}")
    return list(given or there)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; a usage error is one line and exit 4."""
    try:
        arguments = arguments_of(COMMANDS).parse_args(argv)
        if hasattr(arguments, "suites"):
            arguments.suites = _suites(arguments.suites, arguments.corpus)
        status = COMMANDS[arguments.command](arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except HarnessError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return USAGE_ERROR
    except OSError as error:
        print(f"ERROR: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        return HARNESS_ERROR if error.errno == errno.ENOSPC else USAGE_ERROR
