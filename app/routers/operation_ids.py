"""Operation ids: an endpoint function's name, in the document's spelling. Pure.

The one rule: clients are generated from these names; a function is renamed only with the contract.
"""

from fastapi.routing import APIRoute


def operation_id(route: APIRoute) -> str:
    """`list_public_slots` → `listPublicSlots`."""
    head, *rest = route.name.split("_")
    return head + "".join(word.capitalize() for word in rest)
