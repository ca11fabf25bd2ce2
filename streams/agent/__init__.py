"""The remediation agent: folds the inbound log into commands, health, signals and an audit chain."""
