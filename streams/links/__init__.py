"""The links that customers get: opaque, forgery-proof, and the same each time a message is written."""

from streams.links.errors import ExpiredLinkError, ForgedLinkError, LinkError
from streams.links.fix import LIFETIME, PATH, FixLinks, links_of

__all__ = ["LIFETIME", "PATH", "ExpiredLinkError", "FixLinks", "ForgedLinkError", "LinkError", "links_of"]
