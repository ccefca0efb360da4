"""Nobody gets at what is not theirs: every operation of the document, every way to try (R53, P4)."""

from tests.authorisation import matrix, rules, visitors
from tests.authorisation.calls import CHANGES, thing
from tests.authorisation.city import City
from tests.authorisation.findings import Finding


def listed(found: list[Finding]) -> str:
    return "\n".join(map(str, found))


async def test_p4_the_matrix_knows_every_operation_and_every_id_of_the_document(city: City) -> None:
    """What only the document says needs no word here; what only the rules say is a mistake."""
    known = {operation.id for operation in city.operations}
    named = rules.SERVICE.keys() | rules.PERSON_OR_SERVICE.keys() | rules.WHOEVER_MAY.keys()
    named |= rules.PERSON_WHO_MAY.keys() | rules.ANYBODY | rules.SEEN_BY_ALL
    assert named | CHANGES.keys() | visitors.OPEN.keys() | visitors.SECRETS.keys() <= known
    public = {operation.id for operation in city.operations if operation.scheme is None}
    assert public == visitors.OPEN.keys() | visitors.SECRETS.keys(), "what is public is so for a reason"
    for operation in city.operations:
        for place in operation.places:
            assert thing(operation, place, city.ada), f"{operation.id}: {place}"


async def test_p4_whoever_may_can(city: City) -> None:
    assert not (found := await matrix.rightful(city)), listed(found)


async def test_p4_a_token_with_a_defect_opens_nothing(city: City) -> None:
    assert not (found := await matrix.bad_tokens(city)), listed(found)


async def test_p4_a_token_that_lacks_a_permission_opens_nothing(city: City) -> None:
    assert not (found := await matrix.permissions(city)), listed(found)


async def test_p4_an_id_of_somebody_else_is_an_id_of_nobody(city: City) -> None:
    assert not (found := await matrix.swapped_ids(city)), listed(found)


async def test_p4_nobody_reads_of_others_in_what_is_their_own(city: City) -> None:
    assert not (found := await matrix.own_answers(city)), listed(found)


async def test_p4_only_its_own_token_opens_a_booking(city: City) -> None:
    assert not (found := await visitors.other_tokens(city)), listed(found)
    assert not (found := await visitors.no_token(city)), listed(found)


async def test_p4_a_secret_of_somebody_else_is_no_secret(city: City) -> None:
    assert not (found := await visitors.secrets_of_others(city)), listed(found)


async def test_p4_a_link_that_was_used_or_has_expired_is_no_link(city: City) -> None:
    assert not (found := await visitors.used_and_expired(city)), listed(found)
