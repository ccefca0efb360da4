"""TypeIDs: the codec of the specification, and only the right prefix counts."""

import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from app.ids import ConnectionId, decode_id, encode_id, new_id


@pytest.mark.parametrize(
    ("prefix", "value", "text"),
    [
        # https://github.com/jetify-com/typeid/blob/main/spec/valid.yml
        ("prefix", "00000000-0000-0000-0000-000000000000", "prefix_00000000000000000000000000"),
        ("prefix", "00000000-0000-0000-0000-000000000001", "prefix_00000000000000000000000001"),
        ("prefix", "00000000-0000-0000-0000-00000000000a", "prefix_0000000000000000000000000a"),
        ("prefix", "00000000-0000-0000-0000-000000000020", "prefix_00000000000000000000000010"),
        ("prefix", "ffffffff-ffff-ffff-ffff-ffffffffffff", "prefix_7zzzzzzzzzzzzzzzzzzzzzzzzz"),
        ("prefix", "0110c853-1d09-52d8-d73e-1194e95b5f19", "prefix_0123456789abcdefghjkmnpqrs"),
        ("prefix", "01890a5d-ac96-774b-bcce-b302099a8057", "prefix_01h455vb4pex5vsknk084sn02q"),
    ],
)
def test_the_examples_of_the_specification_hold(prefix: str, value: str, text: str) -> None:
    assert encode_id(prefix, UUID(value)) == text
    assert decode_id(prefix, text) == UUID(value)


@given(st.uuids())
def test_what_is_encoded_decodes(value: UUID) -> None:
    assert decode_id("conn", encode_id("conn", value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "cal_01h455vb4pex5vsknk084sn02q",
        "01h455vb4pex5vsknk084sn02q",
        "_01h455vb4pex5vsknk084sn02q",
        "conn_",
        "conn",
        "",
        "conn_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        "conn_01H455VB4PEX5VSKNK084SN02Q",
        "conn_01h455vb4pex5vsknk084sn02",
        "conn_01h455vb4pex5vsknk084sn02qq",
        "conn_01h455vb4pex5vsknk084sn02i",
        "conn_01h455vb4pex5vsknk084sn02l",
        "conn_01h455vb4pex5vsknk084sn02u",
        "conn_01h455vb4pex5vsknk084sn02q\n",
        "conn_01h455vb4pex5vsknk084sn0é",
        "x_conn_01h455vb4pex5vsknk084sn02q",
        "CONN_01h455vb4pex5vsknk084sn02q",
    ],
)
def test_anything_else_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match="not a conn id"):
        decode_id("conn", text)


def test_ids_made_later_sort_later_inside_and_outside() -> None:
    made = []
    for _ in range(5):
        made.append(new_id())
        time.sleep(0.002)
    assert made == sorted(made)
    assert [encode_id("conn", value) for value in made] == sorted(encode_id("conn", value) for value in made)
    assert {value.version for value in made} == {7}
    assert isinstance(made[0], UUID)


class Body(BaseModel):
    id: ConnectionId


def test_a_field_reads_and_writes_type_ids() -> None:
    value = new_id()
    body = Body(id=encode_id("conn", value))
    assert body.id == value
    assert Body(id=value).model_dump(mode="json") == {"id": encode_id("conn", value)}
    for odd in (encode_id("cal", value), 7, None, str(value)):
        with pytest.raises(ValidationError):
            Body(id=odd)
    schema = Body.model_json_schema()["properties"]["id"]
    assert schema["pattern"].startswith("^conn_")
