"""Relay, a framework for LLM-API reseller shops."""

__version__ = "0.1.0"
