"""Versions of Exchange: what a server says it is, and what a request may ask for.

The one rule: a server refuses a request version it does not know yet, and says nothing of itself when it does.
"""

from dataclasses import dataclass

from sandbox.exchange.markup import TYPES, XSD, XSI, Markup, element

# In the order they appeared. A request's schema is the server's as it was at that version.
REQUEST_VERSIONS = (
    "Exchange2007",
    "Exchange2007_SP1",
    "Exchange2010",
    "Exchange2010_SP1",
    "Exchange2010_SP2",
    "Exchange2013",
    "Exchange2013_SP1",
    "Exchange2015",
    "Exchange2016",
)
EXCHANGE_2007_SP1 = REQUEST_VERSIONS.index("Exchange2007_SP1")
EXCHANGE_2010 = REQUEST_VERSIONS.index("Exchange2010")
EXCHANGE_2010_SP1 = REQUEST_VERSIONS.index("Exchange2010_SP1")
EXCHANGE_2010_SP2 = REQUEST_VERSIONS.index("Exchange2010_SP2")
EXCHANGE_2013 = REQUEST_VERSIONS.index("Exchange2013")
EXCHANGE_2016 = REQUEST_VERSIONS.index("Exchange2016")


@dataclass(frozen=True)
class ServerVersion:
    """A build of the server and the newest schema it speaks."""

    build: tuple[int, int, int, int]
    schema: str

    @property
    def rank(self) -> int:
        return REQUEST_VERSIONS.index(self.schema)

    def header(self) -> Markup:
        """The SOAP header Exchange puts on its answers."""
        major, minor, major_build, minor_build = (str(number) for number in self.build)
        return element(
            "h:ServerVersionInfo",
            MajorVersion=major,
            MinorVersion=minor,
            MajorBuildNumber=major_build,
            MinorBuildNumber=minor_build,
            Version=self.schema,
            xmlns_h=TYPES,
            xmlns=TYPES,
            xmlns_xsi=XSI,
            xmlns_xsd=XSD,
        )


SERVERS = {
    "Exchange2007_SP1": ServerVersion((8, 3, 83, 0), "Exchange2007_SP1"),
    "Exchange2010_SP1": ServerVersion((14, 1, 218, 15), "Exchange2010_SP1"),
    "Exchange2010_SP2": ServerVersion((14, 2, 247, 5), "Exchange2010_SP2"),
    "Exchange2013_SP1": ServerVersion((15, 0, 847, 32), "Exchange2013_SP1"),
    "Exchange2016": ServerVersion((15, 1, 2507, 6), "Exchange2016"),
}
DEFAULT_SERVER = "Exchange2010_SP2"


def rank_of(requested: str | None, server: ServerVersion) -> int | None:
    """The rank of a request's version, or None where this server refuses it. Without one a request is as of 2007."""
    if requested is None:
        return 0
    if requested not in REQUEST_VERSIONS:
        return None
    rank = REQUEST_VERSIONS.index(requested)
    return rank if rank <= server.rank else None
