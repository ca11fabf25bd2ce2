"""Who may do what on a cluster with an authorizer: derived from the contract, told as commands, and put in force."""
