"""Autodiscover: where a mailbox's web service is, in the two ways clients ask (POX, and SOAP).

The one rule: the address told is the one the client reached this server by.
"""

from sandbox.exchange.markup import DECLARATION, SOAP, Markup, element
from sandbox.exchange.reading import Node
from sandbox.exchange.world import ExchangeWorld, Mailbox

POX_PATH = "/autodiscover/autodiscover.xml"
SOAP_PATH = "/autodiscover/autodiscover.svc"
_RESPONSE = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
_OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_AUTODISCOVER = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
_ADDRESSING = "http://www.w3.org/2005/08/addressing"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_ACTION = f"{_AUTODISCOVER}/Autodiscover"


def _write(root: Markup) -> bytes:
    return (DECLARATION + str(root)).encode()


def _walk(node: Node, local: str) -> list[Node]:
    """All elements of a name, whatever namespace a client put them in."""
    found = [node] if node.local == local else []
    return found + [each for child in node for each in _walk(child, local)]


def ews_url(origin: str) -> str:
    return f"{origin}/EWS/Exchange.asmx"


def answer_pox(world: ExchangeWorld, request: Node, origin: str) -> bytes:
    """The plain XML kind."""
    asked = _walk(request, "EMailAddress")
    mailbox = world.find_mailbox(asked[0].text.strip()) if asked else None
    if mailbox is None or not mailbox.enabled:
        return _write(_pox_error("500" if asked else "600", "The e-mail address cannot be found."))
    account = element(
        "Account",
        element("AccountType", "email"),
        element("Action", "settings"),
        *(_protocol(kind, origin) for kind in ("EXCH", "EXPR")),
    )
    user = element(
        "User",
        element("DisplayName", mailbox.name),
        element("LegacyDN", _legacy_dn(mailbox)),
        element("AutoDiscoverSMTPAddress", mailbox.email),
        element("DeploymentId", str(mailbox.guid)),
    )
    return _write(element("Autodiscover", element("Response", user, account, xmlns=_OUTLOOK), xmlns=_RESPONSE))


def _protocol(kind: str, origin: str) -> Markup:
    return element(
        "Protocol",
        element("Type", kind),
        element("ASUrl", ews_url(origin)),
        element("EwsUrl", ews_url(origin)),
        element("AuthPackage", "Ntlm"),
    )


def _legacy_dn(mailbox: Mailbox) -> str:
    user = mailbox.email.partition("@")[0]
    return f"/o=Sandbox/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn={user}"


def _pox_error(code: str, message: str) -> Markup:
    error = element(
        "Error",
        element("ErrorCode", code),
        element("Message", message),
        element("DebugData"),
        Time="00:00:00.0000000",
        Id="1",
    )
    return element("Autodiscover", element("Response", error), xmlns=_RESPONSE)


def answer_soap(world: ExchangeWorld, request: Node, origin: str) -> bytes:
    """The SOAP kind: settings of mailboxes, or of domains, one after another."""
    wanted = [node.text.strip() for node in _walk(request, "Setting")]
    if _walk(request, "GetDomainSettingsRequestMessage"):
        domains = (node.text.strip() for node in _walk(request, "Domain"))
        rows = (_domain_response(world, domain, wanted, origin) for domain in domains)
        return _answer(world, "GetDomainSettings", element("DomainResponses", *rows))
    users = (node.text.strip() for node in _walk(request, "Mailbox"))
    rows = (_user_response(world, user, wanted, origin) for user in users)
    return _answer(world, "GetUserSettings", element("UserResponses", *rows))


def _answer(world: ExchangeWorld, operation: str, responses: Markup) -> bytes:
    inner = element("Response", element("ErrorCode", "NoError"), element("ErrorMessage"), responses, xmlns_i=_XSI)
    message = element(f"{operation}ResponseMessage", inner, xmlns=_AUTODISCOVER)
    build = world.server.build
    header = element(
        "s:Header",
        element("a:Action", f"{_ACTION}/{operation}Response", s_mustUnderstand="1", xmlns_a=_ADDRESSING),
        element(
            "h:ServerVersionInfo",
            element("h:MajorVersion", str(build[0])),
            element("h:MinorVersion", str(build[1])),
            element("h:MajorBuildNumber", str(build[2])),
            element("h:MinorBuildNumber", str(build[3])),
            element("h:Version", world.server.schema),
            xmlns_h=_AUTODISCOVER,
        ),
    )
    return _write(element("s:Envelope", header, element("s:Body", message), xmlns_s=SOAP))


def _user_response(world: ExchangeWorld, user: str, wanted: list[str], origin: str) -> Markup:
    mailbox = world.find_mailbox(user)
    if mailbox is None or not mailbox.enabled:
        return element(
            "UserResponse",
            element("ErrorCode", "InvalidUser"),
            element("ErrorMessage", f"Invalid user: '{user}'"),
            element("RedirectTarget", i_nil="true"),
            element("UserSettingErrors"),
            element("UserSettings"),
        )
    known = _settings(world, mailbox, origin)
    errors, settings = _told("User", "StringSetting", known, wanted)
    redirect = element("RedirectTarget", i_nil="true")
    return element("UserResponse", *_status("NoError", "No error."), redirect, errors, settings)


def _domain_response(world: ExchangeWorld, domain: str, wanted: list[str], origin: str) -> Markup:
    """What everybody of a domain has; a domain nobody has a mailbox in is none."""
    redirect = element("RedirectTarget", i_nil="true")
    if not any(one.enabled and one.email.endswith(f"@{domain.lower()}") for one in world.mailboxes.values()):
        status = _status("InvalidDomain", f"Invalid domain: '{domain}'")
        return element("DomainResponse", *status, element("DomainSettingErrors"), element("DomainSettings"), redirect)
    known = {"ExternalEwsUrl": ews_url(origin), "ExternalEwsVersion": _build(world)}
    errors, settings = _told("Domain", "DomainStringSetting", known, wanted)
    return element("DomainResponse", *_status("NoError", "No error."), errors, settings, redirect)


def _status(code: str, message: str) -> tuple[Markup, Markup]:
    return element("ErrorCode", code), element("ErrorMessage", message)


def _told(kind: str, type_name: str, known: dict[str, str], wanted: list[str]) -> tuple[Markup, Markup]:
    """The errors and the settings of an answer."""
    errors = (
        element(
            f"{kind}SettingError",
            *_status("InvalidSetting", "The setting is not available."),
            element("SettingName", name),
        )
        for name in wanted
        if name not in known
    )
    settings = (
        element(f"{kind}Setting", element("Name", name), element("Value", known[name]), i_type=type_name)
        for name in wanted
        if name in known
    )
    return element(f"{kind}SettingErrors", *errors), element(f"{kind}Settings", *settings)


def _build(world: ExchangeWorld) -> str:
    return ".".join(str(part) for part in world.server.build)


def _settings(world: ExchangeWorld, mailbox: Mailbox, origin: str) -> dict[str, str]:
    return {
        "UserDisplayName": mailbox.name,
        "UserDN": _legacy_dn(mailbox),
        "UserDeploymentId": str(mailbox.guid),
        "AutoDiscoverSMTPAddress": mailbox.email,
        "InternalEwsUrl": ews_url(origin),
        "ExternalEwsUrl": ews_url(origin),
        "ExternalEwsVersion": _build(world),
        "EwsSupportedSchemas": "Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, Exchange2010_SP2",
    }
