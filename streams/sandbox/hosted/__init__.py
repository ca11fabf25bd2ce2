"""The page that the vendor hosts: a person, a browser or an HTTP client connects a bank there, or repairs a login."""
