"""The canary: whether an event that comes in over HTTP still comes out as a message, asked every minute."""
