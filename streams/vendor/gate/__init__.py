"""Decides whether a pair of credentials may be tried: the vendor locks a partner after five refusals."""

from streams.vendor.gate.claims import ClaimGate
from streams.vendor.gate.gate import Claim, Gate, Outcome
from streams.vendor.gate.kafka import KafkaGate
from streams.vendor.gate.memory import MemoryGate, MemoryLog
from streams.vendor.gate.pairs import pair_of

__all__ = ["Claim", "ClaimGate", "Gate", "KafkaGate", "MemoryGate", "MemoryLog", "Outcome", "pair_of"]
