"""Every record that a probe returns can be stored and read again."""

from datetime import UTC, datetime
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from incident_lib.model import Evidence, EvidenceStatus
from incident_lib.model.evidence import decode_evidence
from incident_lib.technologies import table

AT = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
PLAIN: dict[Any, Any] = {str: "text", bool: True, int: 7, float: 1.5, datetime: AT}
ROW_TYPES = [row_type for technology in table().technologies for row_type in technology.rows]


def sample(hint: Any) -> Any:
    """Return a value of a type, with nothing in it left out."""
    arguments, origin = get_args(hint), get_origin(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if origin in {Union, UnionType}:
        return sample(next(each for each in arguments if each is not type(None)))
    if origin is dict:
        return {sample(arguments[0]): sample(arguments[1])}
    if origin is tuple:
        return tuple(sample(each) for each in arguments if each is not ...)
    if issubclass(hint, Enum):
        return next(iter(hint))
    hints = get_type_hints(hint)
    return hint(**{field.name: sample(hints[field.name]) for field in msgspec.structs.fields(hint)})


@pytest.mark.parametrize("row_type", ROW_TYPES, ids=lambda row_type: row_type.__name__)
def test_a_record_is_read_as_it_was_stored(row_type: type[Any]) -> None:
    evidence = Evidence(
        probe="x.y",
        target="x",
        status=EvidenceStatus.COLLECTED,
        collected_at=AT,
        duration_seconds=0.1,
        source="literal",
        rows=(sample(row_type),),
    )
    assert decode_evidence(msgspec.json.encode(evidence)) == evidence
