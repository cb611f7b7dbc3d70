"""One page that plays each take beside its reference; it stands in the output folder and links to the takes there."""

import os
from pathlib import Path

from harness.audio import write_atomically
from harness.report.manifest import Manifest, four_lines, label


def write(manifest: Manifest, path: Path) -> None:
    """Write the page; takes with something against them come first.

    Texts, names and transcripts are the user's: everything is escaped.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("harness.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    rank = {"FAIL": 0, "INCONCLUSIVE": 1}
    takes = sorted(
        manifest.takes.values(),
        key=lambda found: (
            min((rank.get(verdict["outcome"], 2) for verdict in found["verdicts"]), default=2),
            found["suite"],
            found["utterance"],
            found["seed"],
        ),
    )
    page = environment.get_template("page.html").render(
        data=manifest.as_json(),
        takes=takes,
        label=label,
        four_lines=four_lines,
        link=lambda target: Path(os.path.relpath(target, path.parent)).as_posix(),
        not_judged=manifest.not_judged(),
    )
    write_atomically(path, page.encode())
