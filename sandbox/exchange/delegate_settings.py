"""Who acts for a mailbox's owner, as values. The one rule: a delegate is known by the primary address."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Delegate:
    """`levels`: what they may do, by folder as the schema names it (`Calendar`, `Tasks`, ...)."""

    levels: dict[str, str]
    copies: bool = False
    sees_private: bool = False


@dataclass
class Delegates:
    """`deliver` says who gets meeting requests."""

    people: dict[str, Delegate] = field(default_factory=dict)
    deliver: str = "DelegatesAndSendInformationToMe"
