"""Bodies of form submissions, and of what a form is pre-filled with.

The one rule: a visitor token is told once, to the CRM; it is never answered to a visitor.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.accounts.schemas import Answer, Strict
from app.scheduling.configuration import Email, Line

MOST_FIELDS = 50
_EXAMPLE = {"company": "Example", "team_size": "12"}

FieldId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
FieldAnswers = dict[FieldId, Annotated[str, Field(max_length=5000)]]


class FormSubmissionCreate(Strict):
    """What somebody has answered in a form of the CRM's."""

    email: Email
    """Who answered."""
    name: Line | None = None
    """What they are called; absent: as they said before."""
    visitor_token: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, examples=["3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
    )
    """The token that the browser has: what was said with it goes on. Without it, or of another address, the new token
    shows these answers alone, for an address can be anybody's.
    """
    answers: Annotated[FieldAnswers, Field(max_length=MOST_FIELDS, examples=[_EXAMPLE])] = Field(default_factory=dict)
    """Answers by the id of a page's form field; the newest answer to a question wins."""


class FormSubmission(Answer):
    """How the visitor is recognised from now on."""

    visitor_token: str = Field(examples=["3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
    """For the `Visitor-Token` header of `getFormPrefill`; told here only."""
    expires_at: datetime = Field(examples=["2027-05-19T10:15:00Z"])
    """Until when the token is good."""


class FormPrefill(Answer):
    """What a page's form begins with."""

    name: str | None
    """The visitor's name; null: never said."""
    email: str
    """The visitor's address."""
    answers: FieldAnswers = Field(examples=[_EXAMPLE])
    """Earlier answers by field id: of questions this page asks, and never a ticked box."""
