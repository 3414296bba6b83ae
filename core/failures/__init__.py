"""What an upstream's error means: its failure class, and what of its words a customer may see.

classification   the class, from the status and the words
error_body       what an error says, whichever vendor's shape it has
blame            whether a 403 or 404 blames the request, or something of ours
sent_request     what the request said, so that its own words are not taken for the upstream's
sanitise         what of the words a customer may see
host_names       which names in them are hosts
"""

from .classification import CONTEXT_CODE, classify

__all__ = ["CONTEXT_CODE", "classify"]
