"""Realtime sessions: a customer's websocket and an upstream's, frames passed between them as they are.

face      where a websocket comes in
door      who is asking, and the refusals before the upgrade
opening   the channel that answers, tried like any other
session   frames both ways, until one side ends
turn      one response: an exchange of its own, with its hold and its post
context   what the next response may read, and what the present one has said

A session is a row of turns. Each is reserved before anything that can cost reaches the upstream, and
posted under an id of its own before the customer sees the ``response.done`` that tells its usage; the
hold of the next is taken in the same breath, as the upstream answers by itself whenever its customer
stops talking. So a ``kill -9`` loses no response that was acknowledged, whatever the length of the
session, and its log shows what each cost.
"""
