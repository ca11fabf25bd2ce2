"""The contract as documents: JSON Schema of every message, AsyncAPI of every topic, and what releases promised."""

VERSION = "0.1.0"
"""Version of the contract: that of the package; a release keeps its documents under this name."""
