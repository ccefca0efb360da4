"""The login and the role it works in: neither may pass by row-level security.

The one rule: the catalogue is asked; nothing is tried.
"""

from typing import Final

import asyncpg

from app.database import APP_ROLE
from app.doctor.deployment import Deployment
from app.doctor.findings import Code, Finding, Seen

_LOGIN: Final = """
SELECT rolname, rolsuper, rolbypassrls,
       (SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
         WHERE nspname IN ('public', 'queue') AND relkind IN ('r', 'p')
           AND pg_has_role(session_user, relowner, 'MEMBER')) AS owned
  FROM pg_roles WHERE rolname = session_user
"""
_ROLE: Final = """
SELECT rolsuper OR rolbypassrls AS exempt,
       pg_has_role(session_user, oid, CASE WHEN current_setting('server_version_num')::int >= 160000
                                           THEN 'SET' ELSE 'MEMBER' END) AS granted,
       (SELECT count(*) FROM pg_class WHERE relowner = pg_roles.oid AND relkind IN ('r', 'p')) AS owned
  FROM pg_roles WHERE rolname = $1
"""


async def examine_roles(deployment: Deployment) -> Seen:
    """Whether the service can do what it needs, and no more."""
    async with deployment.connected() as connection:
        login, role = await connection.fetchrow(_LOGIN), await connection.fetchrow(_ROLE, APP_ROLE)
    findings = [*_of_login(login), *_of_role(role)]
    return Seen(f"{login['rolname']} works as {APP_ROLE}", tuple(findings))


def _of_login(login: asyncpg.Record) -> list[Finding]:
    powers = {"superuser": login["rolsuper"], "BYPASSRLS": login["rolbypassrls"]}
    mighty = [name for name, has in powers.items() if has]
    if mighty:
        return [Finding(Code.LOGIN_TOO_POWERFUL, f"{login['rolname']}: {', '.join(mighty)}")]
    if login["owned"]:
        return [Finding(Code.LOGIN_OWNS_TABLES, f"{login['rolname']} owns {login['owned']} tables")]
    return []


def _of_role(role: asyncpg.Record | None) -> list[Finding]:
    if role is None:
        return [Finding(Code.ROLE_MISSING, f"there is no role {APP_ROLE}")]
    findings = []
    if not role["granted"]:
        findings.append(Finding(Code.ROLE_MISSING, f"the login may not become {APP_ROLE}"))
    if role["exempt"] or role["owned"]:
        findings.append(Finding(Code.ROLE_EXEMPT, f"{APP_ROLE} is exempt, or owns {role['owned']} tables"))
    return findings
