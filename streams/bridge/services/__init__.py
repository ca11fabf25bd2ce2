"""The user's own services at the bridge: who may post which events, and what an event has to look like."""
