from harness.lab import doctor


def test_it_says_what_there_is_and_what_can_be_judged():
    said = list(doctor.lines())
    assert [line.split()[0] for line in said[:6]] == list(doctor.PACKAGES)
    assert any(line.startswith("shipped suites") for line in said)
    assert said[-1].strip().startswith("63 words and more: not ")
