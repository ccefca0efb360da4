"""The algebra of spans, against sets of single seconds."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.timespan import (
    NOTHING,
    Spans,
    clip,
    covering,
    merge,
    overlaps,
    pack,
    subtract,
    to_moment,
    to_seconds,
    unpack,
    widen,
)

# A small world makes spans touch and meet; empty and inverted ones are among them.
second = st.integers(-8, 16)
short = st.tuples(second, st.integers(-1, 4)).map(lambda pair: (pair[0], pair[0] + pair[1]))
span = st.one_of(short, st.tuples(second, second))
some_spans = st.lists(span, max_size=8)

thorough = settings(max_examples=400, deadline=None, database=None)


def instants(spans):
    return {second for start, end in spans for second in range(start, end)}


def is_a_set(spans: Spans) -> bool:
    """Rising, no empty span, neither overlapping nor touching."""
    bounds = [bound for span in spans for bound in span]
    return all(earlier < later for earlier, later in pairwise(bounds))


@thorough
@given(some_spans, some_spans)
def test_a_merge_covers_what_any_group_covers_and_nothing_else(some, others):
    merged = merge(some, others)
    assert is_a_set(merged)
    assert instants(merged) == instants(some) | instants(others)


@thorough
@given(some_spans, some_spans)
def test_merging_merged_sets_is_the_same_as_merging_their_spans(some, others):
    assert merge(merge(some), merge(others)) == merge([*some, *others])


def test_spans_that_touch_are_joined_and_spans_a_second_apart_are_not():
    assert merge([(10, 20), (0, 10), (21, 30)]) == [(0, 20), (21, 30)]


def test_an_empty_or_inverted_span_covers_nothing():
    assert merge([(5, 5), (9, 3)]) == []
    assert merge([(5, 5), (9, 3), (0, 2)]) == [(0, 2)]
    assert not merge(iter(()))
    assert not NOTHING


def test_a_set_already_merged_is_not_copied():
    merged = merge([(0, 5), (7, 9)])
    assert merge(merged) is merged
    assert merge(merged, []) is merged


def test_a_set_reads_as_a_sequence_of_pairs():
    spans = merge([(7, 9), (0, 5), (20, 30)])
    assert list(spans) == [(0, 5), (7, 9), (20, 30)]
    assert (len(spans), spans[0], spans[-1], spans[1:]) == (3, (0, 5), (20, 30), [(7, 9), (20, 30)])
    assert (7, 9) in spans
    assert spans == ((0, 5), (7, 9), (20, 30))
    assert spans != [(0, 5), (7, 9), (20, 31)]
    assert spans != [(0, 5), (7, 9)]


@thorough
@given(some_spans, span)
def test_a_clip_keeps_what_lies_between(spans, between):
    clipped = clip(spans, between)
    assert is_a_set(clipped)
    assert instants(clipped) == instants(spans) & instants([between])


@thorough
@given(some_spans, some_spans)
def test_subtracting_leaves_what_no_hole_covers(spans, holes):
    left = subtract(spans, holes)
    assert is_a_set(left)
    assert instants(left) == instants(spans) - instants(holes)


@thorough
@given(some_spans, span)
def test_spans_overlap_when_they_share_an_instant(spans, other):
    assert overlaps(spans, other) == bool(instants(spans) & instants([other]))


def test_to_touch_is_not_to_overlap():
    assert not overlaps([(0, 10), (20, 30)], (10, 20))
    assert overlaps([(0, 10), (20, 30)], (9, 20))
    assert overlaps([(0, 10), (20, 30)], (10, 21))
    assert clip([(0, 10), (20, 30)], (10, 20)) == []


@thorough
@given(some_spans, st.integers(0, 9), st.integers(0, 9))
def test_widening_reaches_before_and_after_each_span(spans, before, after):
    widened = widen(spans, before=before, after=after)
    assert is_a_set(widened)
    assert instants(widened) == instants([(a - before, b + after) for a, b in spans if a < b])


def test_widening_never_narrows():
    with pytest.raises(ValueError, match="widened"):
        widen([(0, 9)], before=-1, after=0)
    with pytest.raises(ValueError, match="widened"):
        widen([(0, 9)], before=0, after=-1)


any_second = st.integers(-(2**40), 2**40)


@thorough
@given(st.lists(st.tuples(any_second, any_second), max_size=30))
def test_what_is_packed_unpacks_to_the_second(spans):
    assert unpack(pack(spans)) == merge(spans)


@pytest.mark.parametrize(
    ("spans", "size"),
    [
        ([], 1),
        ([(0, 2**32 - 1)], 1 + 8),
        ([(0, 2**32)], 1 + 16),
        ([(-1, 5)], 1 + 16),
        ([(1774857600, 1774861200), (1774864800, 1774866600)], 1 + 16),
    ],
)
def test_a_packed_set_takes_four_bytes_a_bound_from_1970_to_2106_and_eight_elsewhere(spans, size):
    packed = pack(spans)
    assert len(packed) == size
    assert unpack(packed) == spans


def test_the_packed_form_is_the_one_that_is_stored():
    """Rows of the database hold these bytes: a new form needs a new version."""
    narrow = bytes.fromhex("01 01000000 00e1c969 02000000 10efc969")
    assert pack([(0x69C9E100, 0x69C9EF10), (1, 2)]) == narrow
    assert unpack(narrow) == [(1, 2), (0x69C9E100, 0x69C9EF10)]
    wide = bytes.fromhex("02 ffffffffffffffff 0200000000000000")
    assert pack([(-1, 2)]) == wide
    assert unpack(wide) == [(-1, 2)]


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x03" + bytes(8), b"\x01" + bytes(7), b"\x01" + bytes(12)])
def test_bytes_that_are_no_packed_set_are_refused(data):
    with pytest.raises(ValueError, match=r"packed spans|bytes length"):
        unpack(data)


def test_unpacking_reads_the_views_that_databases_return():
    assert unpack(memoryview(pack([(3, 4)]))) == [(3, 4)]


@thorough
@given(st.datetimes(timezones=st.sampled_from([UTC, ZoneInfo("Europe/Stockholm"), timezone(timedelta(hours=-3))])))
def test_a_moment_lies_in_its_second(moment):
    start = to_moment(to_seconds(moment))
    assert timedelta(0) <= moment.astimezone(UTC) - start < timedelta(seconds=1)
    assert start.tzinfo is UTC


def test_seconds_count_in_utc_also_over_a_change_of_the_clocks():
    zone = ZoneInfo("Europe/Stockholm")
    evening, morning = datetime(2026, 3, 28, 23, tzinfo=zone), datetime(2026, 3, 29, 9, tzinfo=zone)
    assert to_seconds(morning) - to_seconds(evening) == 9 * 3600
    assert to_seconds(datetime(2026, 10, 25, 2, 30, tzinfo=zone, fold=1)) == to_seconds(
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    )


def test_fractions_of_a_second_at_either_end_are_covered():
    start = datetime(2026, 3, 30, 9, 0, 0, 900_000, tzinfo=UTC)
    end = datetime(2026, 3, 30, 9, 30, 0, 100_000, tzinfo=UTC)
    nine = to_seconds(datetime(2026, 3, 30, 9, tzinfo=UTC))
    assert covering(start, end) == (nine, nine + 1801)
    assert covering(start.replace(microsecond=0), end.replace(microsecond=0)) == (nine, nine + 1800)


def test_a_naive_moment_is_no_moment():
    with pytest.raises(TypeError):
        to_seconds(datetime(2026, 3, 30, 9))  # noqa: DTZ001 - the point
