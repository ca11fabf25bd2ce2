"""A year of customers who react to what they are told: what the rules come to, beside a mail for every failure."""
