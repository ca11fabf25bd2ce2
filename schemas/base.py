"""The two bases of every message: strict frozen models, in snake case or in the vendor's camel case."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A message that we write: strict, frozen, without unknown fields."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", ser_json_temporal="iso8601")


class Inbound(BaseModel):
    """A message that we read: strict in types, unknown fields ignored, the vendor's names."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
    )
