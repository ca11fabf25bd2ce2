"""The version of the rules as code: another version may decide otherwise on the same log."""

ENGINE_VERSION = "1"
