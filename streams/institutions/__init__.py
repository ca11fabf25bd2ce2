"""The institution agent: folds the agents' signals into incidents and support tickets of institutions."""
