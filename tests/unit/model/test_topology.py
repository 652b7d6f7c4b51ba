from itertools import pairwise

from incident_lib.model import topology as module
from incident_lib.model.topology import Topology


def test_each_target_is_followed_once_however_often_it_is_asked_for(monkeypatch):
    followed, reached = [], module._reached

    def counted(name, edges):
        followed.append(name)
        return reached(name, edges)

    monkeypatch.setattr(module, "_reached", counted)
    names = [f"svc-{number:03}" for number in range(200)]
    chain = Topology(depends_on={name: (needed,) for name, needed in pairwise(names)})
    for name in names:
        assert len(chain.needs(name)) + len(chain.users(name)) == len(names) - 1
    assert followed == names[:-1]


def test_a_circle_ends():
    circle = Topology(depends_on={"a": ("b",), "b": ("a",)})
    assert circle.needs("a") == circle.users("a") == {"a", "b"}
