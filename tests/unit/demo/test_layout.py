import json
import stat

from incident_lib.demo.layout import Layout


def test_secrets_are_readable_by_the_owner_alone(tmp_path):
    layout = Layout(tmp_path / "stack")
    layout.create()
    path = layout.write_secret("db.dsn", "postgresql://workbench:secret@127.0.0.1/shop")
    layout.write_secret("db.dsn", "postgresql://workbench:other@127.0.0.1/shop")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(layout.secrets.stat().st_mode) == 0o700
    assert "other" in path.read_text(encoding="utf-8")


def test_a_new_start_switches_every_toggle_off(tmp_path):
    layout = Layout(tmp_path)
    layout.create()
    layout.write_features(**{"loyalty-points": True})
    layout.delay.write_text("4", encoding="ascii")
    layout.create()
    assert json.loads(layout.features.read_text(encoding="utf-8")) == {}
    assert not layout.delay.exists()
