"""The simulator's answers that are no conversation, by the kind of request; each is a function of its own."""

from collections.abc import Callable

from relay.plugins.channels.simulator import lists
from relay.plugins.channels.simulator.answer import Kind, Question
from relay.plugins.channels.simulator.pictures import pictures
from relay.plugins.channels.simulator.reply import Reply
from relay.plugins.channels.simulator.speech import speech
from relay.plugins.channels.simulator.transcription import transcription

SINGLES: dict[Kind, Callable[[Question], Reply]] = {
    "embeddings": lists.embeddings,
    "gemini_embeddings": lists.gemini_embeddings,
    "moderation": lists.moderation,
    "rerank": lists.rerank,
    "compact": lists.compact,
    "speech": speech,
    "transcription": transcription,
    "image_generation": pictures,
    "image_edit": pictures,
}
