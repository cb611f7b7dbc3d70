"""`python -m harness COMMAND`: what a team does around the test runs."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import HarnessError, UsageError

USAGE_ERROR = 4  # pytest's own code for it


def _doctor(arguments: argparse.Namespace) -> int:
    """Say what this machine can run, and which texts the documented numbers can judge."""
    from importlib.metadata import PackageNotFoundError, version

    import torch

    for name in ("torch", "torchaudio", "transformers", "resemblyzer", "espeakng-loader", "pyworld-prebuilt"):
        try:
            print(f"{name:<18}{version(name)}")
        except PackageNotFoundError:
            print(f"{name:<18}missing: python3 run.py test sets everything up")
    devices = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    print(f"{'CUDA devices':<18}{', '.join(devices) or 'none: --gpu will be refused'}")
    print()
    from harness.gates import feasibility_map

    print("which texts the documented numbers can judge, by words:")
    for line in feasibility_map():
        print(f"  {line}")
    return 0


def _power(arguments: argparse.Namespace) -> int:
    """Measure what each gate finds and how often it cries out over sound speech."""
    import json
    import tempfile

    from harness import power
    from harness.power import speech

    with tempfile.TemporaryDirectory() as work:
        recordings = arguments.speech
        takes = speech.recorded(recordings, Path(work)) if recordings else speech.embedded(arguments.texts)
        table = power.measure(takes, arguments.spoilt, arguments.workers)
    found = table.as_json()
    for line in power.lines(found):
        print(line)
    if arguments.out:
        power.write(table, arguments.out)
        print(f"written to {arguments.out}")
    if not arguments.check:
        return 0
    if not arguments.check.exists():
        raise UsageError(f"{arguments.check} is missing: write one with --out {arguments.check}")
    complaints = power.worse(json.loads(arguments.check.read_text(encoding="utf-8")), found)
    for line in complaints:
        print(f"WORSE  {line}")
    return int(bool(complaints))


def _calibrate(arguments: argparse.Namespace) -> int:
    """Measure a team's own voices: limit and error rates of the similarity gate, as rows for gates.toml."""
    from harness.audio import write_atomically
    from harness.corpus import load_voices
    from harness.metrics.encoders import open_encoder
    from harness.power import calibration

    voices = load_voices(arguments.voices, arguments.voices_language)
    encoder = open_encoder(arguments.speaker_encoder)
    brackets = calibration.calibrate(voices, encoder)
    speakers = {voice.speaker for voice in voices}
    for one in brackets:
        threshold, error = one.equal_error
        means = f"same {one.same.mean():.3f}, different {one.different.mean():.3f} on average"
        print(f"# from {one.from_s:g} s: {means}; equal error {error:.1%} at {threshold:.3f}, limit {one.limit:.2f}")
    about = f"{len(voices)} clips of {len(speakers)} speakers, {encoder.fingerprint}"
    text = calibration.rows(brackets, about, one_recording=len(speakers) == len(voices))
    print(text, end="")
    if arguments.out:
        write_atomically(arguments.out, text.encode())
    return 0


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "doctor": _doctor,
    "power": _power,
    "calibrate": _calibrate,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("doctor", help=_doctor.__doc__)
    power = commands.add_parser("power", help=_power.__doc__)
    power.add_argument("--texts", type=int, default=16, help="sound takes of each voice")
    power.add_argument("--spoilt", type=int, default=4, help="takes of each voice that are spoilt")
    power.add_argument("--speech", type=Path, help="folder of recordings with manifest.csv, not the embedded voice")
    power.add_argument("--workers", type=int, default=2, help="processes")
    power.add_argument("--out", type=Path, help="JSON file to write")
    power.add_argument("--check", type=Path, help="kept table: exit 1 where this one is worse")
    calibrate = commands.add_parser("calibrate", help=_calibrate.__doc__)
    calibrate.add_argument("--voices", type=Path, required=True, help="folder of name.wav + name.txt (+ name.speaker)")
    calibrate.add_argument("--voices-language", default="", help="language code of voices that have no name.lang")
    calibrate.add_argument("--speaker-encoder", default="resemblyzer", help="resemblyzer, or an x-vector model")
    calibrate.add_argument("--out", type=Path, help="file to write the rows to")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; a usage error is one line and exit 4."""
    arguments = _parser().parse_args(argv)
    try:
        return _COMMANDS[arguments.command](arguments)
    except HarnessError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return USAGE_ERROR
