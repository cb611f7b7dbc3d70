"""What can be asked for after `python -m harness`: each command with its options."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from harness import shipped
from harness.errors import UsageError

_DESCRIPTION = "`python -m harness COMMAND`: what a team does around the test runs."


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a command in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}")


def arguments_of(commands: Mapping[str, Callable[..., int]]) -> argparse.ArgumentParser:
    """The parser of the whole command line; what a command does is told by the function that carries it out."""
    helps = {name: function.__doc__ for name, function in commands.items()}
    parser = _Parser(prog="python -m harness", description=_DESCRIPTION)
    there = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    init = there.add_parser("init", help=helps["init"])
    init.add_argument("--name", default="voice_gates", metavar="FOLDER", help="default: voice_gates")
    init.add_argument("--language", default="ar", metavar="CODE", help="of the two texts: ar, de, en or zh")
    there.add_parser("doctor", help=helps["doctor"])
    accept = _of_releases(there.add_parser("accept", help=helps["accept"]))
    accept.add_argument("--by", required=True, metavar="NAME", help="who accepts; kept in the baseline")
    how = accept.add_mutually_exclusive_group()
    how.add_argument("--override", default="", metavar="REASON", help="accept what was found worse; kept too")
    how.add_argument(
        "--remeasure", action="store_true", help="measure the accepted audio again by the rulers of this run"
    )
    accept.add_argument("--golden-audio", type=Path, metavar="FOLDER", help="keep the accepted takes' audio here")
    _of_releases(there.add_parser("diff", help=helps["diff"]))
    sign = there.add_parser("sign", help=helps["sign"])
    sign.add_argument("--out", type=Path, default=Path(".harness"), metavar="FOLDER", help="of the run")
    sign.add_argument("--by", default="", metavar="NAME", help="who signs")
    sign.add_argument("--verdict", choices=("ship", "hold"), help="what is decided")
    sign.add_argument("--note", default="", metavar="WHY", help="needed where it ships against the gate's verdict")
    sign.add_argument("--file", type=Path, metavar="SIGNATURE", help="keep what the report's button wrote")
    listen = there.add_parser("listen", help=helps["listen"])
    listen.add_argument("--out", type=Path, default=Path(".harness"), metavar="FOLDER", help="of the run")
    listen.add_argument("--pairs", type=int, default=20, metavar="N", help="heard; repeats and checks come on top")
    listen.add_argument("--add", type=Path, nargs="*", default=[], metavar="RATINGS", help="answers that were mailed")
    listen.add_argument("--page", action="store_true", help="only write the page: do not serve it")
    listen.add_argument("--port", type=int, default=0, metavar="N", help="to serve it on; 0 takes a free one")
    told = there.add_parser("history", help=helps["history"])
    told.add_argument("--out", type=Path, default=Path(".harness"), metavar="FOLDER", help="of the runs")
    audit = _of_releases(there.add_parser("audit", help=helps["audit"]), every=True)
    audit.add_argument("--backend", default="embedded", metavar="NAME", help="whose baseline")
    audit.add_argument("--null", type=int, default=2000, metavar="N", help="unchanged releases")
    audit.add_argument("--planted", type=int, default=200, metavar="N", help="releases for each planted loss")
    audit.add_argument("--gates", default="documented", metavar="NAME", help="profile of gates.toml")
    audit.add_argument("--broken", type=float, default=0.0, metavar="SHARE", help="of takes that break a gate")
    audit.add_argument("--keep", action="store_true", help="write golden/audit-BACKEND.json, which verdicts quote")
    audit.add_argument("--spread", type=float, default=1.0, metavar="X", help="times the measured spread of takes")
    cost = _of_releases(there.add_parser("estimate", help=helps["estimate"]), every=True)
    cost.add_argument("--backend", default="embedded", help="whose accepted release says how takes are spread")
    for flag, default, of in (("--takes", 1, "of each utterance"), ("--utterances", 70, "in all suites together")):
        cost.add_argument(flag, type=int, default=default, metavar="N", help=f"{of}; default: {default}")
    power = there.add_parser("power", help=helps["power"])
    power.add_argument("--texts", type=int, default=12, help="takes of each voice of the demonstration; 0 for none")
    power.add_argument("--sound", type=int, default=1000, help="sound takes of each bed that are judged, at most")
    power.add_argument("--spoilt", type=int, default=24, help="takes of each bed that are spoilt")
    power.add_argument("--only-rejected", action="store_true", help="of each defect only what a listener rejects")
    power.add_argument("--speech", type=Path, help="folder of recordings with manifest.csv, or of such folders")
    power.add_argument("--workers", type=int, default=2, help="processes")
    power.add_argument("--asr", default="", metavar="MODEL", help="recogniser that hears what no other gate finds")
    power.add_argument("--cache", type=Path, default=Path(".harness"), help="keeps what was heard (.harness)")
    power.add_argument("--out", type=Path, help="JSON file to write")
    power.add_argument("--check", type=Path, help="kept table: exit 1 where this one is worse")
    calibrate = there.add_parser("calibrate", help=helps["calibrate"])
    heard = calibrate.add_mutually_exclusive_group(required=True)
    heard.add_argument("--voices", type=Path, help="folder of name.wav + name.txt (+ name.speaker)")
    heard.add_argument("--speech", type=Path, help="folder of recordings with manifest.csv")
    calibrate.add_argument("--voices-language", default="", help="language code of voices that have no name.lang")
    calibrate.add_argument("--speaker-encoder", default="resemblyzer", help="resemblyzer, or an x-vector model")
    calibrate.add_argument("--limits", action="store_true", help="how far sound speech reaches towards every limit")
    calibrate.add_argument("--words", action="store_true", help="limits of the words, for the recogniser of --asr")
    calibrate.add_argument("--asr", default="", metavar="MODEL", help="speech recogniser: a folder, hub id or name")
    calibrate.add_argument("--language", default="", metavar="CODE", help="only recordings in it (--words)")
    calibrate.add_argument("--cache", type=Path, default=Path(".harness"), help="keeps what was heard (.harness)")
    calibrate.add_argument("--out", type=Path, help="file to write the rows to")
    site = there.add_parser("allure", help=helps["allure"])
    site.add_argument("results", nargs="?", default=".harness/allure", help="what --alluredir named")
    site.add_argument("report", nargs="?", default=".harness/allure-report", help="folder for the report")
    drawn = there.add_parser("report", help=helps["report"])
    drawn.add_argument("out", nargs="?", default=".harness", help="output folder of the run (default: .harness)")
    drawn.add_argument("--single-file", action="store_true", help="also write OUT/report.html, one page to be mailed")
    drawn.add_argument("--alluredir", type=Path, metavar="FOLDER", help="also write the takes as Allure results")
    tiny = there.add_parser("tiny-higgs", help=helps["tiny-higgs"])
    tiny.add_argument("folder", metavar="DIR")
    return parser


def _of_releases(command: argparse.ArgumentParser, every: bool = False) -> argparse.ArgumentParser:
    """The options of every command that reads a run or a baseline."""
    text = "suites, each a file of the corpus folder"
    command.add_argument("suites", nargs="*" if every else "+", metavar="SUITE", help=text + "; default: all" * every)
    here = shipped.suites_at(Path.cwd()) or shipped.SuitesFolder()
    folders = {"--out": Path(".harness"), "--golden": here.golden, "--corpus": here.corpus}
    for flag, default in (folders | {"--gates-file": here.gates}).items():
        command.add_argument(flag, type=Path, default=default, metavar="PATH", help=f"default: {default}")
    return command
