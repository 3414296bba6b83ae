"""Reads who an answer that an upstream keeps belongs to, and where it is kept.

An upstream account serves many customers, whom the upstream can't tell apart. So a kept answer is
shown and continued only for the account whose request made it.
"""

from collections.abc import Sequence

import msgspec

from .errors import NotFoundError
from .exchange import Candidate, Exchange, Principal
from .ledger.database import AsyncReader
from .ledger.sqlite_log import answer_digest

_PLACE = "SELECT channel, key_id, model FROM kept_answer WHERE digest = ? AND account_id = ?"


class KeptAnswer(msgspec.Struct, frozen=True):
    """Where an answer is kept: the channel, its key, and the model that made it."""

    channel: str
    key_id: str
    model: str


class AnswerStore(AsyncReader):
    """The reader of one data folder's kept answers; made by `open`."""

    async def keepers(self, exchange: Exchange, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """Return those of *candidates* that keep the answer which *exchange* continues; all if it continues none.

        Raises:
            NotFoundError: The account never got such an answer, or its channel no longer serves it.
        """
        if exchange.continued is None:
            return candidates
        assert exchange.principal is not None, "authenticated before a channel is chosen"
        kept = await self.find_for(exchange.principal, exchange.continued.id)
        place = (kept.channel, kept.key_id, exchange.dialect) if kept is not None else None
        keepers = [one for one in candidates if (one.channel.name, one.key_id, one.dialect) == place]
        if not keepers:
            raise NotFoundError("unknown_answer", param=exchange.continued.param)
        return keepers

    async def find_for(self, principal: Principal, answer_id: str) -> KeptAnswer | None:
        """Return where the answer is kept, if it belongs to the account, and the key may use its model.

        The keys of one account may be held by many people, such as the customers of a reseller.
        """
        kept = await self.find(principal.account_id, answer_id)
        is_allowed = kept is not None and (principal.models is None or kept.model in principal.models)
        return kept if is_allowed else None

    async def find(self, account_id: str, answer_id: str) -> KeptAnswer | None:
        """Return where the answer *answer_id* of *account_id* is kept; None if the account never got it."""
        async with self._connection.execute(_PLACE, (answer_digest(answer_id), account_id)) as cursor:
            row = await cursor.fetchone()
        return None if row is None else KeptAnswer(*row)
