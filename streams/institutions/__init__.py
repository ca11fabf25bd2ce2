"""The institution agent: folds the agents' signals into support tickets, one open per institution and code."""
