"""Who may do what to a folder. The one rule: a level of sharing is looked up here, never compared elsewhere."""

from dataclasses import dataclass

from sandbox.exchange.markup import Markup, boolean, element
from sandbox.exchange.world import LEVELS, Folder, Level


@dataclass(frozen=True)
class Rights:
    """What one account may do to one folder."""

    level: Level

    def _at_least(self, level: Level) -> bool:
        return LEVELS.index(self.level) >= LEVELS.index(level)

    @property
    def sees_times(self) -> bool:
        return self._at_least("FreeBusyTimeOnly")

    @property
    def sees_subjects(self) -> bool:
        return self._at_least("FreeBusyTimeAndSubjectAndLocation")

    @property
    def reads(self) -> bool:
        return self._at_least("Reviewer")

    @property
    def creates(self) -> bool:
        return self._at_least("Author")

    @property
    def edits(self) -> bool:
        return self._at_least("Editor")

    @property
    def owns(self) -> bool:
        return self.level == "Owner"

    def markup(self) -> Markup:
        """`EffectiveRights`, in the order of its type."""
        return element(
            "t:EffectiveRights",
            element("t:CreateAssociated", boolean(self.owns)),
            element("t:CreateContents", boolean(self.creates)),
            element("t:CreateHierarchy", boolean(self.owns)),
            element("t:Delete", boolean(self.edits)),
            element("t:Modify", boolean(self.edits)),
            element("t:Read", boolean(self.reads)),
        )


def rights_on(folder: Folder, account: str) -> Rights:
    return Rights(folder.level(account))
