"""Autodiscover by SOAP: settings of mailboxes and of domains."""

from lxml import etree

AUTODISCOVER = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def asked(exchange, operation, inner, *settings):
    wanted = "".join(f"<a:Setting>{name}</a:Setting>" for name in settings)
    body = (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="{AUTODISCOVER}"><s:Body>'
        f"<a:{operation}RequestMessage><a:Request>{inner}<a:RequestedSettings>{wanted}</a:RequestedSettings>"
        f"</a:Request></a:{operation}RequestMessage></s:Body></s:Envelope>"
    )
    answer = exchange.post(body.encode(), path="/autodiscover/autodiscover.svc")
    assert answer.status_code == 200
    root = etree.fromstring(answer.content)
    action = root.findtext(".//{http://www.w3.org/2005/08/addressing}Action")
    assert action == f"{AUTODISCOVER}/Autodiscover/{operation}Response"
    return root


def found(root, name):
    return root.findall(f".//{{{AUTODISCOVER}}}{name}")


def texts(root, name):
    return [node.text for node in found(root, name)]


def test_settings_of_mailboxes(exchange):
    users = "".join(f"<a:User><a:Mailbox>{one}</a:Mailbox></a:User>" for one in ("ada@example.com", "no@example.com"))
    root = asked(exchange, "GetUserSettings", f"<a:Users>{users}</a:Users>", "ExternalEwsUrl", "Nonsense")
    assert texts(root, "ErrorCode") == ["NoError", "NoError", "InvalidSetting", "InvalidUser"]
    assert texts(root, "Value") == [f"{exchange.base_url}/EWS/Exchange.asmx"]
    assert [node.get(NIL) for node in found(root, "RedirectTarget")] == ["true", "true"]
    assert [node.get(TYPE) for node in found(root, "UserSetting")] == ["StringSetting"]


def test_settings_of_domains(exchange):
    domains = "<a:Domains><a:Domain>example.com</a:Domain><a:Domain>elsewhere.example</a:Domain></a:Domains>"
    root = asked(exchange, "GetDomainSettings", domains, "ExternalEwsUrl", "ExternalEwsVersion")
    assert texts(root, "ErrorCode") == ["NoError", "NoError", "InvalidDomain"]
    assert texts(root, "Value") == [f"{exchange.base_url}/EWS/Exchange.asmx", "14.2.247.5"]
    assert [node.get(TYPE) for node in found(root, "DomainSetting")] == ["DomainStringSetting"] * 2
