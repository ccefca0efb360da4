"""What a run is asked for: the whole or parts, for its own time or for so many minutes, by the same chance again."""

from prove.calibration import PLANTS, chosen_by
from prove.plan import Plan


def test_who_names_no_part_asks_for_all() -> None:
    assert Plan(7).takes("grid")
    assert Plan(7, only=("grid",)).takes("grid")
    assert not Plan(7, only=("grid",)).takes("sick")


def test_minutes_take_the_place_of_the_mode_s_own_time() -> None:
    assert Plan(7).seconds(30.0) == 30.0
    assert Plan(7, minutes=2).seconds(30.0) == 120.0
    assert Plan(7, minutes=0).seconds(30.0) == 0.0


def test_a_seed_draws_the_same_by_the_same_name_alone() -> None:
    assert Plan(7).chance("one").random() == Plan(7, long=True).chance("one").random()
    assert Plan(7).chance("one").random() != Plan(7).chance("other").random()


def test_plants_are_a_few_by_chance_or_all_or_those_that_are_named() -> None:
    assert chosen_by(Plan(7)) == chosen_by(Plan(7))
    assert 0 < len(chosen_by(Plan(7))) < len(PLANTS)
    assert chosen_by(Plan(7, long=True)) == list(PLANTS)
    named = PLANTS[3].guard
    assert [planted.guard for planted in chosen_by(Plan(7, long=True, only=(named,)))] == [named]
