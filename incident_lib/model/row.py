"""The base of every record that a probe returns."""

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True, tag_field="row", tag=True):
    """One record of evidence: units in the names (_seconds, _bytes, _ratio, _count, _at); None is unknown.

    The class name is stored with each record, so that a snapshot can be read without knowing the probe.
    """


class Measurement(Row, frozen=True, kw_only=True):
    """One named number, for what needs no record type of its own (a team's own probe)."""

    name: str
    value: float | None
    unit: str = ""
    labels: dict[str, str] = {}
