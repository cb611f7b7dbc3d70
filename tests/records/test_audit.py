from harness import shipped
from harness.records import audit, schema
from harness.records.audit import Audit, Found, Share
from tests.pages import said


def numbers():
    return Audit(
        about="hash",
        false_fail=Share(1, 500),
        passed=Share(490, 500),
        takes=1.0,
        false_pass=Share(10, 200),
        false_pass_of="speaker_similarity in suite medium",
        found=(Found("speaker_similarity", "cosine", "suite medium", 0.06), Found("cer", "ratio", "suite medium")),
        broken=0.0,
    )


def test_an_audit_is_read_as_it_was_written(tmp_path):
    schema.write(audit.path_of(tmp_path, "b"), numbers())
    kept = audit.read(audit.path_of(tmp_path, "b"))
    assert kept.false_pass.value == 0.05
    assert [one.size for one in kept.found] == [0.06, None]


def test_where_there_is_none_that_can_be_read_nothing_is_claimed(tmp_path):
    assert audit.read(audit.path_of(tmp_path, "b")) is None
    (audit.path_of(tmp_path, "b")).write_text("{")
    assert audit.read(audit.path_of(tmp_path, "b")) is None


def test_the_pages_say_what_the_kept_audit_of_the_shipped_baselines_says():
    kept = audit.read(audit.path_of(shipped.GOLDEN, "embedded"))
    pages = said()
    for share in (kept.false_fail, kept.passed, kept.false_pass):
        assert f"| {100 * share.value:.1f} % | {100 * share.low:.1f} to {100 * share.high:.1f} |" in pages
    found = {one.metric: one.size for one in kept.found}
    assert (
        f"a loss of {found['speaker_similarity']:.3f} in similarity, {found['duration_ratio']:.1%}".replace(
            "%", " % in tempo"
        )
        in pages
    )
