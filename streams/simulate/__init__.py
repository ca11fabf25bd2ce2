"""The whole topology without Kafka, on a virtual clock: what would these events have led to?"""

from streams.simulate.ledger import Aside, Message
from streams.simulate.run import simulate
from streams.simulate.simulation import Simulation

__all__ = ["Aside", "Message", "Simulation", "simulate"]
