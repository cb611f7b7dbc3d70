"""A suites folder for a team's own repository: `python -m harness init`.

The files beside this one are what it writes: gates that extend the shipped ones, two texts in a language, a place for
voices, a CI workflow.
"""

from pathlib import Path

from harness.errors import UsageError

_HERE = Path(__file__).resolve().parent
_CONFTEST = '"""The plugin comes with the package; fixtures and hooks of your own go here."""\n'
LANGUAGES = tuple(sorted(path.stem for path in (_HERE / "texts").glob("*.toml")))
"""Languages of the two texts that there are to begin with; a corpus may hold any."""


def write(where: Path, name: str = "voice_gates", language: str = "ar") -> list[Path]:
    """Write a suites folder called `name` and its workflow into a repository; nothing that is there is touched.

    Returns:
        What was written, in order.

    Raises:
        UsageError: The name is no folder's, the language has no texts to begin with, or the folder is not empty.
    """
    if not name or Path(name).name != name or name.startswith("."):
        raise UsageError(f"--name is {name!r}; the name of one folder, such as voice_gates, is needed")
    if language not in LANGUAGES:
        raise UsageError(
            f"--language is {language!r}; there are texts to begin with in {', '.join(LANGUAGES)}: "
            "take one and write your own into corpus/"
        )
    folder = where / name
    workflow = where / ".github" / "workflows" / f"{name}.yml"
    for path in (folder, workflow):
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            raise UsageError(f"{path} is there already: choose another --name, or move it away")
    contents = {
        folder / "conftest.py": _CONFTEST,
        folder / "gates.toml": _text("gates.toml"),
        folder / "corpus" / "greetings.toml": _text(f"texts/{language}.toml"),
        folder / "voices" / "README.md": _text("voices.md"),
        workflow: _text("workflow.yml").replace("FOLDER", name),
    }
    try:
        for path, text in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{where} cannot be written to: {error.strerror}") from error
    return list(contents)


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
