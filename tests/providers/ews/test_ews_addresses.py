"""Where we connect to, and where never."""

import ipaddress
import socket

import pytest

from app.addresses import AddressRefused, is_public
from app.providers.ews.addresses import Endpoint, Guard

RESOLVED = {
    "mail.corp.example": ["93.184.216.34"],
    "intern.corp.example": ["10.1.2.3"],
    "rebinding.example": ["93.184.216.34", "127.0.0.1"],
    "v6.example": ["2606:2800:220:1:248:1893:25c8:1946"],
}


@pytest.fixture(autouse=True)
def names(monkeypatch):
    def resolve(host, port, **_):
        found = RESOLVED.get(host) or [host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (str(ipaddress.ip_address(one)), port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://mail.corp.example/EWS/Exchange.asmx", "https://mail.corp.example/EWS/Exchange.asmx"),
        ("mail.corp.example", "https://mail.corp.example/EWS/Exchange.asmx"),
        (" HTTPS://Mail.Corp.Example./ ", "https://mail.corp.example/EWS/Exchange.asmx"),
        ("https://mail.corp.example:444/ews", "https://mail.corp.example:444/ews"),
        ("https://böse.example/x", "https://xn--bse-sna.example/x"),
        ("https://[2606:2800:220::1]/x", "https://[2606:2800:220::1]/x"),
    ],
)
def test_r13_a_url_is_read_as_a_person_types_it(typed, url):
    assert Endpoint.of(typed).url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.corp.example/EWS/Exchange.asmx",
        "https://ada:secret@mail.corp.example/",
        "https://mail.corp.example\\@evil.example/",
        "https://mail.corp.example/\r\nHost: evil.example",
        "https:///EWS",
        "file:///etc/passwd",
        "gopher://mail.corp.example/",
        "https://mail.corp.example:99999/",
        "https://mail.corp.example/?to=elsewhere",
        "https://mail.corp.example/#x",
        "",
    ],
)
def test_a_url_of_another_shape_is_refused(url):
    with pytest.raises(AddressRefused):
        Endpoint.of(url)


@pytest.mark.parametrize(
    "host", ["outlook.office365.com", "ews.office365.com", "autodiscover-s.outlook.com", "corp.mail.onmicrosoft.com"]
)
def test_r14_exchange_online_is_known_by_its_name(host):
    assert Endpoint.of(f"https://{host}/EWS/Exchange.asmx").is_online
    assert not Endpoint.of(f"https://{host}.corp.example/EWS/Exchange.asmx").is_online


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.0.1", "192.168.1.1"),  # noqa: S104
        *("192.0.0.170", "192.88.99.1", "198.18.0.1", "224.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "100::1", "::7f00:1"),
    ],
)
def test_an_address_that_is_not_the_open_internets_is_none_of_ours(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_an_address_of_the_open_internet_is(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("host", "allowed", "passes"),
    [
        ("mail.corp.example", (), True),
        ("v6.example", (), True),
        ("intern.corp.example", (), False),
        ("rebinding.example", (), False),
        ("127.0.0.1", (), False),
        ("intern.corp.example", ("10.0.0.0/8",), True),
        ("intern.corp.example", ("10.1.2.3",), True),
        ("intern.corp.example", ("Intern.Corp.Example",), True),
        ("intern.corp.example", ("corp.example",), False),
        ("rebinding.example", ("93.184.216.34",), False),
    ],
)
def test_every_address_of_a_name_must_be_public_or_the_operators_own(host, allowed, passes):
    guard = Guard(allowed)
    if passes:
        assert guard.addresses(Endpoint(host, 443, "/")) == RESOLVED[host]
    else:
        with pytest.raises(AddressRefused):
            guard.addresses(Endpoint(host, 443, "/"))


def test_odd_ports_are_the_operators_own_hosts():
    assert Guard(["10.0.0.0/8"]).addresses(Endpoint("intern.corp.example", 8443, "/"))
    with pytest.raises(AddressRefused):
        Guard(["10.0.0.0/8"]).addresses(Endpoint("mail.corp.example", 8443, "/"))


@pytest.mark.parametrize("entry", ["", "10.0.0.0/99", "corp/example"])
def test_an_allowed_host_that_is_none_is_told_at_the_start(entry):
    with pytest.raises(ValueError, match=r"does not appear to be"):
        Guard([entry])
