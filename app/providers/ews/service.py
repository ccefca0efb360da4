"""exchangelib's services, with what we know better about answers.

From exchangelib: the envelope, the session and its return to the pool, the messages in an answer, the errors by name.
Ours, because of what its own would do (each seen with 5.6):

    parsing          it recovers from cut documents, and reads them byte by byte
    versions         a request that is refused as invalid is sent again in every schema, a create among them
    refusals         an unknown code becomes a sentence, a wait told in a message is lost, and texts quote our data

The one rule: a request is sent once. Only the schema of Exchange 2010 SP2 is spoken: every later server speaks it too,
so there is no version to guess.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/ews-xml-elements-in-exchange
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NoReturn

import requests
from exchangelib import errors  # type: ignore[import-untyped]
from exchangelib.errors import ErrorServerBusy, EWSError, ResponseMessageError  # type: ignore[import-untyped]
from exchangelib.services.common import EWSService  # type: ignore[import-untyped]
from exchangelib.util import ENS, SOAPNS  # type: ignore[import-untyped]
from exchangelib.version import Build  # type: ignore[import-untyped]

from app.providers.ews.soap import Element, Unreadable, message_tag, parse_xml, tag

_FAULT: Final = f"{{{SOAPNS}}}Fault"
_CODE: Final = re.compile(r"Error[A-Za-z0-9]{1,80}")
_NUMBERS: Final = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
"""Each optional by the schema."""
_SERVERS_OWN: Final = re.compile(r"Server(\..*)?|InternalServiceFault")
"""Faults that are not the request's: it may have been done, or may be later (SOAP 1.1, 4.4.1)."""
_FALLBACK_CODE: Final = "ErrorUnknown"


class Unanswered(Exception):
    """The server's answer is no SOAP of Exchange's."""

    def __init__(self, reply: requests.Response) -> None:
        super().__init__(f"HTTP {reply.status_code}")
        self.reply = reply


class UnknownCode(ResponseMessageError):  # type: ignore[misc]  # exchangelib has no types
    """A refusal in a code that exchangelib has no name for."""


@dataclass(frozen=True, slots=True)
class Message:
    """What became of one part of a request."""

    element: Element
    error: EWSError | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: messages, or a fault that speaks for the whole request."""

    build: Build | None
    """The server that answered."""
    fault: EWSError | None
    messages: tuple[Message, ...] = ()


class _Fault(Exception):
    """Out through exchangelib, which would take some for a version wrongly guessed."""

    def __init__(self, error: EWSError) -> None:
        super().__init__(code_of(error))
        self.error = error


class _Service(EWSService):  # type: ignore[misc]  # exchangelib has no types
    ERRORS_TO_CATCH_IN_RESPONSE = EWSError
    WARNINGS_TO_CATCH_IN_RESPONSE = EWSError
    build: Build | None = None

    def ask(self, body: Element) -> Answer:
        """Raises: Unanswered, and whatever the protocol and its session raise."""
        try:
            elements = self._get_response_xml(payload=body)
        except _Fault as fault:
            return Answer(self.build, fault.error)
        return Answer(self.build, None, tuple(Message(element, self._error_in(element)) for element in elements))

    def _extra_headers(self) -> dict[str, str]:
        """SOAP 1.1 (6.1.1) demands that a request names its action; exchangelib sends none."""
        return {"SOAPAction": f'"{message_tag(self.SERVICE_NAME)[1:].replace("}", "/")}"'}

    def _error_in(self, message: Element) -> EWSError | None:
        found = self._get_element_container(message=message)
        return found if isinstance(found, EWSError) else None

    @classmethod
    def _get_soap_parts(cls, response: requests.Response) -> tuple[Element | None, Element]:
        """Header and body of an answer that has either a fault or messages."""
        try:
            root = parse_xml(response.content)
        except Unreadable:
            raise Unanswered(response) from None
        body = root.find(f"{{{SOAPNS}}}Body")
        if root.tag != f"{{{SOAPNS}}}Envelope" or body is None:
            raise Unanswered(response)
        if body.find(_FAULT) is None and body.find(f"{cls._response_tag()}/{cls._response_messages_tag()}") is None:
            raise Unanswered(response)
        return root.find(f"{{{SOAPNS}}}Header"), body

    def _update_api_version(self, api_version: str, header: Element) -> None:  # noqa: ARG002 - the schema stays
        """What server answered; exchangelib would go on in its newest schema, and wants all four numbers."""
        info = header.find(tag("ServerVersionInfo"))
        try:
            self.build = None if info is None else Build(*(int(info.get(name, "0")) for name in _NUMBERS))
        except ValueError:
            self.build = None

    @classmethod
    def _raise_soap_errors(cls, fault: Element) -> NoReturn:
        code = fault.findtext(f"detail/{{{ENS}}}ResponseCode")
        if not code:  # not Exchange's own, but of the framework below it
            code = fault.findtext("faultcode", "").strip().rpartition(":")[2]
            code = "ErrorInternalServerError" if _SERVERS_OWN.fullmatch(code) else code
        raise _Fault(_error(code, fault))

    @staticmethod
    def _get_exception(code: str | None, text: str | None, msg_xml: Element | None = None, **_: Any) -> EWSError:  # noqa: ARG004 - a text may quote us
        return _error(code or "", msg_xml)


def ask(protocol: Any, body: Element) -> Answer:
    """The answer to a request, its only element the operation's. See `_Service.ask`."""
    service: _Service = _service(body.tag.removeprefix(message_tag("")))(protocol)
    return service.ask(body)


def code_of(error: EWSError) -> str:
    """The server's own word; exchangelib names its errors by it."""
    return str(error.value) if isinstance(error, UnknownCode) else type(error).__name__


def back_off_of(error: EWSError) -> float | None:
    """Seconds the server asks us to wait."""
    return error.back_off if isinstance(error, ErrorServerBusy) else None


@cache
def _service(operation: str) -> type[_Service]:
    return type(operation, (_Service,), {"SERVICE_NAME": operation})


def _error(code: str, told_in: Element | None) -> EWSError:
    """Only the code goes on, never a sentence: it may quote what we sent."""
    known = vars(errors).get(code.strip())
    if isinstance(known, type) and issubclass(known, ErrorServerBusy):
        return known("", back_off=_back_off(told_in))
    if isinstance(known, type) and issubclass(known, ResponseMessageError):
        return known("")
    return UnknownCode(code.strip() if _CODE.fullmatch(code.strip()) else _FALLBACK_CODE)


def _back_off(told_in: Element | None) -> float | None:
    for value in () if told_in is None else told_in.iter(tag("Value")):
        if value.get("Name") == "BackOffMilliseconds":
            try:
                return max(0.0, int(value.text or "") / 1000)
            except ValueError:
                return None
    return None
