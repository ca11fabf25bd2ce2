"""The commands of operators: what they decide, written into the logs, and what they see and move of what is kept."""
