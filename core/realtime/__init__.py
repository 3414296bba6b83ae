"""Realtime sessions: frames are passed unchanged between a customer's websocket and an upstream's.

face      where a websocket comes in
door      who is asking, and the refusals before the upgrade
opening   finding a channel that begins the session
session   passing frames both ways, until one side ends
turn      one response: an exchange of its own, with its hold and its post
context   what the next response may read, and what the current one has output

A session is a sequence of turns. Each is reserved before anything that costs money reaches the upstream,
and posted under an id of its own before the customer sees the ``response.done`` with its usage. The hold
for the next turn is taken at the same time, because the upstream answers by itself whenever its customer
stops talking. So a ``kill -9`` loses no acknowledged response, however long the session, and the log
shows what each response cost.
"""
