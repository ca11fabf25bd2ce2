"""Webhooks on their way: when each is due, how it is signed, what is done to it on request, and when it comes again."""
