"""What the ledger should do, in plain Python without a database: dictionaries and integers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass
class ModelLot:
    kind: str
    expires_at: datetime | None
    left_nano: int
    held_nano: int = 0

    def free_nano(self, now: datetime) -> int:
        return 0 if self.has_lapsed(now) else self.left_nano - self.held_nano

    def has_lapsed(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


@dataclass
class ModelRequest:
    account: str
    parts: dict[int, int]
    state: str = "open"
    mark_nano: int | None = None
    paid_nano: int = 0
    is_delivered: bool = False
    is_recovered: bool = False
    is_late: bool = False

    @property
    def held_nano(self) -> int:
        return sum(self.parts.values())


@dataclass
class ModelAccount:
    cap_nano: int | None
    lots: list[int] = field(default_factory=list)
    version: int = 1
    is_revoked: bool = False
    spent_nano: int = 0


_RANK = {"trial": 0, "gift": 1, "compensation": 2, "cash": 3}
_FAR = datetime(9999, 1, 1, tzinfo=UTC)


class Model:
    """Accounts with one key each, lots in the order they were opened, requests, and the shop's totals."""

    def __init__(self) -> None:
        self.accounts: dict[str, ModelAccount] = {}
        self.lots: list[ModelLot] = []
        self.requests: dict[str, ModelRequest] = {}
        self.revenue_nano = self.overrun_nano = self.breakage_nano = self.compensation_nano = 0

    def lot(self, account: str, kind: str, amount_nano: int, expires_at: datetime | None = None) -> None:
        self.accounts[account].lots.append(len(self.lots))
        self.lots.append(ModelLot(kind, expires_at, amount_nano))

    def free_nano(self, account: str, now: datetime) -> int:
        return sum(self.lots[index].free_nano(now) for index in self.accounts[account].lots)

    def held_nano(self, account: str) -> int:
        return sum(self.lots[index].held_nano for index in self.accounts[account].lots)

    def _sorted(self, indexes: list[int]) -> list[int]:
        def order(index: int) -> tuple[datetime, int, int]:
            lot = self.lots[index]
            return lot.expires_at or _FAR, _RANK[lot.kind], index

        return sorted(indexes, key=order)

    def hold(self, account: str, amount_nano: int, now: datetime) -> dict[int, int] | str:
        """Split a hold over lots and take it, or say why not."""
        holder = self.accounts[account]
        held = self.held_nano(account)
        if holder.cap_nano is not None and holder.cap_nano - holder.spent_nano - held < amount_nano:
            return "pre_consume_token_quota_failed"
        if self.free_nano(account, now) < amount_nano:
            return "insufficient_user_quota"
        parts = self._take(amount_nano, {index: self.lots[index].free_nano(now) for index in holder.lots})
        for index, part_nano in parts.items():
            self.lots[index].held_nano += part_nano
        return parts

    def _take(self, amount_nano: int, offers: dict[int, int]) -> dict[int, int]:
        parts: dict[int, int] = {}
        for index in self._sorted(list(offers)):
            part_nano = min(amount_nano, offers[index])
            if part_nano:
                parts[index] = part_nano
                amount_nano -= part_nano
        return parts

    def post(self, request: ModelRequest, charge_nano: int, now: datetime, *, is_recovered: bool = False) -> None:
        """Take from the hold, then from what is free, and book the rest to overrun."""
        holder = self.accounts[request.account]
        spent = self._take(charge_nano, request.parts)
        missing_nano = charge_nano - sum(spent.values())
        more = self._take(missing_nano, {index: self.lots[index].free_nano(now) for index in holder.lots})
        for index in {*spent, *more}:
            self.lots[index].left_nano -= spent.get(index, 0) + more.get(index, 0)
        request.paid_nano = sum(spent.values()) + sum(more.values())
        self.overrun_nano += charge_nano - request.paid_nano
        self.revenue_nano += charge_nano
        holder.spent_nano += charge_nano
        self._release(request, spent, now)
        request.state, request.is_recovered = "posted", is_recovered

    def void(self, request: ModelRequest, now: datetime, *, is_recovered: bool = False) -> None:
        self._release(request, {}, now)
        request.state, request.is_recovered = "voided", is_recovered

    def _release(self, request: ModelRequest, spent: dict[int, int], now: datetime) -> None:
        for index, part_nano in request.parts.items():
            lot = self.lots[index]
            lot.held_nano -= part_nano
            returned_nano = part_nano - spent.get(index, 0)
            if lot.has_lapsed(now) and returned_nano > 0:
                lot.left_nano -= returned_nano
                self.breakage_nano += returned_nano

    def post_late(self, request: ModelRequest, charge_nano: int) -> None:
        """Book to overrun what recovery did not charge, once."""
        booked_nano = (request.mark_nano or 0) if request.state == "posted" else 0
        if not request.is_late and charge_nano > booked_nano:
            request.is_late = True
            self.overrun_nano += charge_nano - booked_nano
            self.revenue_nano += charge_nano - booked_nano

    def recover(self, request_id: str, now: datetime) -> None:
        """Void, post the mark, or give back what was posted in vain."""
        request = self.requests[request_id]
        if request.state == "open" and request.mark_nano is None:
            self.void(request, now, is_recovered=True)
        elif request.state == "open" and request.mark_nano is not None:
            self.post(request, request.mark_nano, now, is_recovered=True)
        elif request.state == "posted" and not request.is_delivered and not request.is_recovered:
            request.is_delivered = True
            returned_nano = request.paid_nano - (request.mark_nano or 0)
            if returned_nano > 0:
                self.lot(request.account, "compensation", returned_nano)
                self.compensation_nano += returned_nano
                self.accounts[request.account].spent_nano -= returned_nano
