"""The mail server: whether it takes our login and our sender.

The one rule: nothing is sent, unless the operator names who is to get it.
"""

import ssl
from collections.abc import Iterator
from typing import Final

import aiosmtplib

from app import wiring
from app.doctor.deployment import Deployment, is_loopback
from app.doctor.findings import Code, Finding, Seen
from app.outbound.letters import Letter
from app.outbound.mailer import MailError
from app.settings import Settings

_TEXT: Final = "calendar-connect doctor sent this mail, because somebody asked it to. Nothing else is to be done."
_LETTER: Final = Letter(subject="A mail from calendar-connect doctor", text=_TEXT, html=f"<p>{_TEXT}</p>")


async def examine_mail(deployment: Deployment) -> Seen:
    """Go as far as naming the sender."""
    settings = deployment.settings
    server, where = wiring.mailer(settings), f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        encrypted = await server.rehearse()
    except MailError as error:
        return Seen(f"{where} does not take our mail", (_meaning(error, where),))
    findings = []
    if not (encrypted or is_loopback(f"smtp://{settings.smtp_host}") or deployment.is_sandbox):
        findings.append(Finding(Code.MAIL_NOT_ENCRYPTED, where))
    facts = f"{where} takes our sender, {'encrypted' if encrypted else 'in the clear'}"
    if deployment.wishes.test_mail_to is not None:
        sent = await _send(settings, deployment.wishes.test_mail_to, deployment)
        facts, findings = (f"{facts}; a mail was sent", findings) if sent is None else (facts, [*findings, sent])
    return Seen(facts, tuple(findings))


async def _send(settings: Settings, to: str, deployment: Deployment) -> Finding | None:
    message_id = f"<doctor-{deployment.clock().timestamp():.6f}@calendar-connect>"
    try:
        await wiring.mailer(settings).send(_LETTER, to=to, to_name=None, reply_to=None, message_id=message_id)
    except MailError as error:
        return Finding(Code.MAIL_TEST_REFUSED, error.code)
    return None


def _meaning(error: MailError, where: str) -> Finding:
    causes = tuple(_causes(error))
    detail = f"{where}: {error.code}"
    if any(isinstance(cause, aiosmtplib.SMTPAuthenticationError) for cause in causes):
        return Finding(Code.MAIL_LOGIN_REFUSED, detail)
    if any(isinstance(cause, aiosmtplib.SMTPSenderRefused) for cause in causes):
        return Finding(Code.MAIL_SENDER_REFUSED, detail)
    if error.code == "smtp_not_supported" or any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Finding(Code.MAIL_TLS_FAILED, detail)
    return Finding(Code.MAIL_UNREACHABLE, detail)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
