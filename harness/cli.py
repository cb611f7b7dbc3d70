"""`python -m harness COMMAND`: what a team does around the test runs."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import HarnessError

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


def _report(arguments: argparse.Namespace) -> int:
    """Draw the report of a run again, also of one that was killed; exits as the run does."""
    from harness import report
    from harness.report import page, terminal
    from harness.report.journal import Journal

    out = Path(arguments.out)
    manifest = Journal(out).manifest()
    shown = report.write(manifest, out)
    if arguments.single_file:
        shown = page.write_single_file(manifest, out)
    for line in terminal.summary(manifest, out, shown):
        print(line)
    return manifest.exit_code


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


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "doctor": _doctor,
    "report": _report,
    "allure": _allure,
    "tiny-higgs": _tiny_higgs,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("doctor", help=_doctor.__doc__)
    site = commands.add_parser("allure", help=_allure.__doc__)
    site.add_argument("results", nargs="?", default=".harness/allure", help="what --alluredir named")
    site.add_argument("report", nargs="?", default=".harness/allure-report", help="folder for the report")
    drawn = commands.add_parser("report", help=_report.__doc__)
    drawn.add_argument("out", nargs="?", default=".harness", help="output folder of the run (default: .harness)")
    drawn.add_argument("--single-file", action="store_true", help="also write OUT/report.html, one page to be mailed")
    tiny = commands.add_parser("tiny-higgs", help=_tiny_higgs.__doc__)
    tiny.add_argument("folder", metavar="DIR")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; a usage error is one line and exit 4."""
    arguments = _parser().parse_args(argv)
    try:
        return _COMMANDS[arguments.command](arguments)
    except HarnessError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return USAGE_ERROR
