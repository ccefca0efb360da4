"""GetItem. The one rule: each item is answered by itself; one that is missing does not fail its neighbours."""

from sandbox.exchange.call import Call, Located, Task, answer
from sandbox.exchange.markup import Markup, element
from sandbox.exchange.reading import Node
from sandbox.exchange.rendering import Reader, render
from sandbox.exchange.shapes import Shape

EMPTY_ITEMS = (element("m:Items"),)


def get_item(call: Call) -> Markup:
    ids = call.body.find("m:ItemIds")
    assert ids is not None

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            found = call.item(node)
            return [element("m:Items", show(call, found, call.shape("m:ItemShape", "get")))]

        return run

    return answer(call, "GetItem", [task(node) for node in ids], on_error=EMPTY_ITEMS)


def show(call: Call, found: Located, shape: Shape) -> Markup:
    """An item as the caller may see it: a private one that is not theirs shows its times only."""
    hidden = call.hides(found.folder, found.view)
    return render(found.view, found.folder, Reader(shape, call.rights(found.folder), hidden))
