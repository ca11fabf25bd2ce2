"""The running parts: bridge, agents, their machinery, and the decision core that they call."""
