"""The cases of a customer: what each needs, its episodes and commands, its contacts, and what R7 and R15 add to it."""
