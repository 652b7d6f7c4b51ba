from incident_lib import config
from incident_lib.investigation.plan import topology

STACK = """
[[service]]
name = "shop"
kind = "http"
url = "http://127.0.0.1:8000"
depends_on = ["ledger", "keys", "bank", "mail"]

[[service]]
name = "ledger"
kind = "postgres"
dsn = "postgresql://127.0.0.1:5433/shop"
container = "app-ledger"

[[service]]
name = "keys"
kind = "redis"
url = "env:NOBODY_SET_THIS_ADDRESS"

[[dependency]]
name = "bank"
url = "https://bank.example/health"

[[dependency]]
name = "mail"
url = "dns://mail.example"
"""


def test_what_a_log_line_names_is_found_among_the_targets(tmp_path):
    file = tmp_path / "workbench.toml"
    file.write_text(STACK)
    graph = topology(config.load(str(file)))
    told = {
        "localhost:5433": {"ledger"},
        "ledger:5432": {"ledger"},  # inside a network of containers it has another port
        "app-ledger": {"ledger"},
        "BANK.example": {"bank"},
        "bank.example:8443": set(),
        "mail.example:25": {"mail"},
        "127.0.0.1:9": set(),
        "keys:6379": set(),
    }
    assert {address: graph.called(address) for address in told} == told
