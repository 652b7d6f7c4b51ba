import os

from incident_lib.demo.application.features import Features, ReceiptArchive
from incident_lib.demo.layout import Layout


def test_a_flag_is_seen_when_it_is_switched(tmp_path):
    layout = Layout(tmp_path)
    features = Features(layout.features)
    assert not features.is_on("loyalty-points")
    layout.write_features(**{"loyalty-points": True})
    assert features.is_on("loyalty-points")
    assert not features.is_on("receipt-archive")
    layout.write_features()
    os.utime(layout.features, ns=(1, 1))
    assert not features.is_on("loyalty-points")


def test_the_archive_of_receipts_stops_at_about_400_megabytes():
    archive = ReceiptArchive()
    archive.add({"id": 1})
    receipts = archive._receipts
    assert receipts.maxlen is not None
    assert 300_000_000 < len(receipts[0]) * receipts.maxlen < 420_000_000
