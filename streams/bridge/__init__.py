"""The bridge: notifications of the vendor in, durable records of the inbound log out."""
