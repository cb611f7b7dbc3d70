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


@pytest.fixture
def results(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "x-result.json").write_text("{}")
    return tmp_path / "results"


def test_the_page_is_told_to_ask_nobody(results, tmp_path, monkeypatch):
    report = tmp_path / "report"
    body = f'/bin/mkdir -p {report}; echo "<html><head><title>x</title></head>" > {report}/index.html'
    monkeypatch.setenv("PATH", fake_allure(tmp_path / "bin", body))
    text = allure_site.generate(results, report).read_text()
    assert text.startswith('<html><head><meta http-equiv="Content-Security-Policy" content="default-src \'self\'')


def test_a_failure_of_allure_is_said_in_one_line(results, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", fake_allure(tmp_path / "bin", "echo broken >&2; exit 3"))
    with pytest.raises(UsageError, match="ended with status 3: broken"):
        allure_site.generate(results, tmp_path / "report")


def test_without_node_it_says_what_to_install(results, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="install Node 22 or later"):
        allure_site.generate(results, tmp_path / "report")


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no Allure results"):
        allure_site.generate(tmp_path, tmp_path / "report")
