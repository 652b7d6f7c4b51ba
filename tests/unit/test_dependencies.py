"""Each dependency is explained, and what pip-audit answers is read as what it says."""

from tests import check_audit, dependencies


def test_a_dependency_without_a_reason_is_found(monkeypatch):
    monkeypatch.delitem(dependencies.REASONS, "redis")
    monkeypatch.setitem(dependencies.REASONS, "left-pad", ("pads", "nothing"))
    found = "\n".join(dependencies.problems())
    assert "why redis is there" in found
    assert "left-pad, which pyproject.toml does not have" in found


def test_a_vulnerability_is_named_and_what_was_not_looked_up_does_not_count():
    bad = {"name": "jinja2", "version": "2.4.1", "vulns": [{"id": "B"}, {"id": "A"}, {"id": "B"}]}
    good = {"name": "rich", "version": "15.0.0", "vulns": []}
    unknown = {"name": "other", "skip_reason": "not found"}
    answer = {"dependencies": [bad, good, unknown]}
    assert check_audit.found_in(answer) == ({"jinja2 2.4.1": ["A", "B"]}, 2)
    assert check_audit.found_in({"dependencies": [unknown]}) is None
    assert check_audit.found_in([]) is None


def run_main(monkeypatch, answers):
    monkeypatch.setattr(check_audit, "find_spec", lambda _name: True)
    left = iter(answers)
    monkeypatch.setattr(check_audit, "audit", lambda *_: next(left))
    return check_audit.main()


def test_it_fails_for_a_vulnerability_alone(monkeypatch, capsys):
    known = ({"jinja2 2.4.1": ["A"]}, 1)
    assert run_main(monkeypatch, [None]) == 0
    assert "skipped" in capsys.readouterr().out
    assert run_main(monkeypatch, [({}, 1)]) == 0, "data without what is known is no data"
    assert run_main(monkeypatch, [known, None]) == 0
    assert run_main(monkeypatch, [known, ({}, 9)]) == 0
    assert run_main(monkeypatch, [known, ({"rich 15": ["A"]}, 9)]) == 1
    assert "rich 15 has known vulnerabilities: A" in capsys.readouterr().err
