"""TxPUSH subscriptions: which accounts have one, and the signing keys, sealed, that check their notifications."""
