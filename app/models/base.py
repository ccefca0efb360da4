"""What every table shares: naming of constraints, the account in every key, and its kinds of columns.

The one rule: of a table `InAccount`, `account_id` is part of every primary, unique, foreign and exclusion key, so that
row-level security has something to hold on to and accounts could be sharded without a change.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import DateTime, MetaData, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, TSTZRANGE
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql.ranges import Range
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Created = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
Json = dict[str, Any]
JsonList = list[Any]
During = Range[datetime]


class Base(DeclarativeBase):
    """The declarative base."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own protocol
        str: Text,
        bytes: BYTEA,
        UUID: PG_UUID(as_uuid=True),
        datetime: DateTime(timezone=True),
        Json: JSONB(none_as_null=True),
        JsonList: JSONB(none_as_null=True),
        list[str]: ARRAY(Text),
        During: TSTZRANGE,
    }


class InAccount:
    """A table of one account's rows, under row-level security."""

    account_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-2)


class HasId(InAccount):
    """A table whose rows have an id of their own."""

    id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)
