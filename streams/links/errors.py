"""Why a link opens nothing; no message quotes the link."""


class LinkError(ValueError):
    """The link opens nothing."""


class ForgedLinkError(LinkError):
    """The token was not sealed with a key of ours, or was changed since, or its key is no longer in use."""


class ExpiredLinkError(LinkError):
    """The token is ours, and its time is over."""
