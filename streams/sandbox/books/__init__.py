"""What the vendor knows and does, without HTTP: partner, customers, logins, accounts, institutions, aggregation."""
