import stat

import pytest

from harness.errors import UsageError
from harness.report import allure_site


def fake_allure(folder, body):
    folder.mkdir()
    path = folder / "allure"
    path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo 3.18.0; exit; fi\n{body}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(folder)


# The output folder is the last argument.
WRITES = 'for last; do :; done; /bin/mkdir -p "$last"; echo "<html><head><title>x</title></head>" > "$last/index.html"'


@pytest.fixture
def results(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "x-result.json").write_text("{}")
    return tmp_path / "results"


def test_the_page_is_told_to_ask_nobody(results, tmp_path, monkeypatch):
    report = tmp_path / "report"
    body = WRITES
    monkeypatch.setenv("PATH", fake_allure(tmp_path / "bin", body))
    text = allure_site.generate(results, report).read_text()
    assert text.startswith('<html><head><meta http-equiv="Content-Security-Policy" content="default-src \'self\'')


def test_a_failure_of_allure_is_said_in_one_line(results, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", fake_allure(tmp_path / "bin", "echo broken >&2; exit 3"))
    with pytest.raises(UsageError, match="ended with status 3: broken"):
        allure_site.generate(results, tmp_path / "report")


def test_an_earlier_report_is_replaced_and_kept_where_allure_fails(results, tmp_path, monkeypatch):
    report = tmp_path / "deep" / "report"
    monkeypatch.setenv("PATH", fake_allure(tmp_path / "bin", WRITES))
    allure_site.generate(results, report)
    (report / "old").touch()
    assert [path.name for path in allure_site.generate(results, report).parent.iterdir()] == ["index.html"]
    monkeypatch.setenv("PATH", fake_allure(tmp_path / "bin2", "exit 3"))
    with pytest.raises(UsageError):
        allure_site.generate(results, report)
    assert [path.name for path in report.parent.iterdir()] == ["report"]
    assert (report / "index.html").is_file()


def test_what_it_did_not_make_is_never_deleted(results, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", fake_allure(tmp_path / "bin", WRITES))
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "index.html").write_text("<html><head>mine</head></html>")
    (tmp_path / "file").touch()
    for report, complaint in {
        precious: "holds something else than a report",
        tmp_path / "file": "holds something else than a report",
        results: "holds the results themselves",
        tmp_path: "holds the results themselves",
    }.items():
        with pytest.raises(UsageError, match=complaint):
            allure_site.generate(results, report)
    assert (precious / "index.html").read_text() == "<html><head>mine</head></html>"
    assert list(results.iterdir())


def test_without_node_it_says_what_to_install(results, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="install Node 22 or later"):
        allure_site.generate(results, tmp_path / "report")


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no Allure results"):
        allure_site.generate(tmp_path, tmp_path / "report")
