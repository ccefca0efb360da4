"""Whether everybody was written to: at least once, and twice only where nobody could know. Pure.

The one rule: a copy is excused by a disturbance around the copy before it: then the mail server had the mail, and
whoever had sent it could not write that down.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Final

from prove.evidence import Delivered, Disturbance, Evidence

WINDOW: Final = timedelta(seconds=15)
"""How long whoever has sent a mail may try to write that down, or a lost database may make itself felt."""


def mails_went_out(evidence: Evidence) -> tuple[int, Iterator[str]]:
    """P2: each mail was delivered, each step of a booking was written about once, and no mail is odd."""
    delivered: defaultdict[str, list[Delivered]] = defaultdict(list)
    for mail in evidence.mails:
        delivered[mail.message_id].append(mail)
    rows = {f"<{row['id']}@calendar-connect>": row for row in evidence.tables["mails"]}

    def broken() -> Iterator[str]:
        for message_id, row in rows.items():
            if row["status"] == "sent" and not delivered[message_id]:
                yield f"{row['kind']} to {row['to_email']} was sent, and never came"
        for message_id, copies in delivered.items():
            if message_id not in rows:
                yield f"{message_id} came, and nobody knows of it"
            yield from _excused(message_id, copies, evidence.disturbances)
        yield from _once_each(evidence)

    return len(rows), broken()


def _excused(message_id: str, copies: Sequence[Delivered], disturbances: Sequence[Disturbance]) -> Iterator[str]:
    """Each copy behind the first."""
    for first, _ in pairwise(sorted(copies, key=lambda mail: mail.at)):
        if not any(each.began <= first.at + WINDOW and each.ended >= first.at - WINDOW for each in disturbances):
            yield f"{message_id} to {first.to} came again after {first.at}, and nothing had happened"


def _once_each(evidence: Evidence) -> Iterator[str]:
    """One mail row to the visitor for each step: a repeated request writes nobody twice."""
    told = Counter((row["subject_id"], row["kind"]) for row in evidence.tables["mails"])
    requests = {row["id"] for row in evidence.tables["requests"]}
    for row in evidence.tables["bookings"]:
        steps = {
            "confirmed_visitor": int(row["id"] not in requests),
            "cancelled_visitor": int(row["status"] == "cancelled"),
        }
        for kind, times in steps.items():
            if told[row["id"], kind] != times:
                yield f"{told[row['id'], kind]} mails {kind} about {row['id']}, not {times}"
    for request in requests:
        if told[request, "requested_visitor"] != 1:
            yield f"{told[request, 'requested_visitor']} mails requested_visitor about {request}, not 1"
