"""A small shop for ledger tests, driven by tables in the ledger's own words.

    top_up alice 10
    reserve r1 alice 3
    post r1 2
    balance alice 8

A line that must be refused ends in ``-> code``. Each account has one key, named as the account.
"""

import atexit
import shutil
import tempfile
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from relay.core.charge import Charge, ChargeLine
from relay.core.errors import RejectedError, RelayError
from relay.core.exchange import Claim, Evidence, Outcome, PriceFacts, Principal, RequestRecord
from relay.core.ledger.boots import Boot, claim_dead
from relay.core.ledger.database import connect_reader, prepare_database
from relay.core.ledger.operations import (
    Adjust,
    Checked,
    CreateAccount,
    CreateKey,
    Delivered,
    Extend,
    FileClaim,
    Mark,
    Note,
    Operation,
    Post,
    Recover,
    Reserve,
    Result,
    RevokeKey,
    SetKeyGroup,
    TopUp,
    Void,
    Withdraw,
)
from relay.core.ledger.sqlite_store import SqliteStore
from relay.core.ledger.sqlite_view import Hold, View
from relay.core.ledger.verify import verify
from relay.core.money import format_nano, parse_amount
from relay.core.usage import Usage
from tests.services import NOW, SetClock


@cache
def _empty_shop() -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    prepare_database(folder, is_demo=None)
    return folder


def copy_empty_shop(data: Path) -> None:
    """Make *data* a data folder with an empty database: a copy is cheaper than a migration each time."""
    shutil.copytree(_empty_shop(), data)


def facts(account: str, key: str = "") -> PriceFacts:
    return PriceFacts(
        account_id=account,
        key_id=key or account,
        group="hyacinth",
        membership="default",
        dialect="openai_chat",
        operation="chat",
        channel="aws",
        model="claude-sonnet-4-5",
        model_sent="claude-sonnet-4-5",
        at=NOW,
        stream=True,
    )


def charge(amount: str) -> Charge:
    line = ChargeLine(rule="billing.test", item="request", count=1, factors=(("price", Fraction(amount)),))
    return Charge(lines=(line,))


def record(request_id: str, account: str, amount: str, outcome: Outcome = "complete") -> RequestRecord:
    return RequestRecord(
        request_id=request_id,
        facts=facts(account),
        usage=Usage(input_tokens=10, output_tokens=5),
        outcome=outcome,
        evidence=Evidence(has_text=True, is_end_seen=True),
        charge=charge(amount),
        attempts=(),
        duration_ms=40,
    )


def reservation(
    request_id: str, account: str, amount_nano: int, *, key_version: int = 1, idempotency_digest: bytes | None = None
) -> Reserve:
    principal = Principal(
        account_id=account, key_id=account, key_version=key_version, group="hyacinth", membership="default"
    )
    return Reserve(
        request_id=request_id,
        principal=principal,
        amount_nano=amount_nano,
        facts=facts(account),
        price_version="v1",
        at=NOW,
        idempotency_digest=idempotency_digest,
    )


def account(name: str, *, gift_nano: int = 0, gift_expires_at: datetime | None = None) -> CreateAccount:
    return CreateAccount(
        account_id=name, name=name, gift_nano=gift_nano, gift_expires_at=gift_expires_at, actor="operator"
    )


def key(name: str, *, cap_nano: int | None = None, expires_at: datetime | None = None) -> CreateKey:
    return CreateKey(
        key_id=name,
        account=name,
        name="main",
        digest=name.encode(),
        last4="4f2a",
        group="hyacinth",
        cap_nano=cap_nano,
        expires_at=expires_at,
        actor="operator",
    )


def top_up(name: str, amount_nano: int, reference: str) -> TopUp:
    return TopUp(account=name, amount_nano=amount_nano, reference=reference, actor="operator")


def _sorted(hold: Hold | None) -> Hold | None:
    return hold and msgspec.structs.replace(hold, lots=tuple(sorted(hold.lots, key=lambda lot: lot.id)))


class Books:
    """A ledger on a file, one process after another, and what its tables ask about it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.clock = SetClock()
        self.database = prepare_database(data, is_demo=None)
        self._accounts: dict[str, str] = {}
        self._versions: dict[str, int] = {}
        self._start()

    def _start(self) -> None:
        self.boot = Boot(self.data)
        self.store = SqliteStore(self.database, boot=self.boot.id, clock=self.clock, zone=ZoneInfo("Asia/Shanghai"))

    def close(self) -> None:
        self.store.close()
        self.boot.end()

    def do(self, operation: Operation) -> Result:
        """Do one operation in a transaction of its own; what it raised is raised here."""
        (result,) = self.store.commit([], [operation])
        if isinstance(result, Exception):
            raise result
        return result

    def note(self, note: Note) -> None:
        self.store.commit([note], [])

    def die(self) -> str:
        """Lose the process as a kill would, start another, and return the dead one's boot."""
        dead = self.boot
        self.store.close()
        dead.abandon()
        self._start()
        return dead.id

    def recover(self, boot: str) -> None:
        """Bring to its end what *boot* left, each request in a transaction of its own."""
        for (request_id,) in self.ask("SELECT request_id FROM reservation WHERE boot = ?", boot):
            self.do(Recover(request_id=str(request_id), boot=boot))

    def ask(self, question: str, *values: object) -> list[tuple[object, ...]]:
        connection = connect_reader(self.database)
        try:
            return connection.execute(question, values).fetchall()
        finally:
            connection.close()

    def check_view(self) -> None:
        """Compare what the store remembers with what is stored."""
        known, stored = self.store.view, View(self.store.connection)
        stored.begin(known.day)
        stored.read_keys(known.keys)
        stored.read_holds(known.holds)
        assert known.keys == stored.keys
        assert [_sorted(hold) for hold in known.holds.values()] == [_sorted(stored.holds[id]) for id in known.holds]
        free = {id: nano for id, _, nano in self._free_lots()}
        assert {id: lot.amount_nano for id, lot in known.lots.items()} == {id: free[id] for id in known.lots}
        assert {id for id, name, nano in self._free_lots() if name in known.complete and nano} <= set(known.lots)

    def _free_lots(self) -> list[tuple[int, str, int]]:
        question = "SELECT id, account_id, credit_nano - debit_nano - pending_nano FROM book WHERE account_id NOTNULL"
        return list(self.store.connection.execute(question))

    def play(self, table: str) -> None:
        """Do and compare what each line says, in order; then the whole ledger must verify."""
        for line in filter(None, map(str.strip, table.splitlines())):
            words, _, code = line.partition(" -> ")
            verb, *arguments = words.split()
            assert self._play(verb, arguments) == code, line
        assert verify(self.data) == []

    def _play(self, verb: str, arguments: list[str]) -> str:
        try:
            getattr(self, f"_{verb}")(*arguments)
        except RejectedError as error:
            return error.reason
        except RelayError as error:
            return error.code
        return ""

    def _account(self, name: str, *options: str) -> None:
        chosen = dict(option.split("=") for option in options)
        gift_nano, lapses_in = parse_amount(chosen.get("gift", "0")), chosen.get("lapses_in_h")
        lapses_at = self.clock.time + timedelta(hours=float(lapses_in)) if lapses_in else None
        cap_nano = parse_amount(chosen["cap"]) if "cap" in chosen else None
        key_lapses_in = chosen.get("key_lapses_in_h")
        key_lapses_at = self.clock.time + timedelta(hours=float(key_lapses_in)) if key_lapses_in else None
        self.do(account(name, gift_nano=gift_nano, gift_expires_at=lapses_at))
        self.do(key(name, cap_nano=cap_nano, expires_at=key_lapses_at))
        self._versions[name] = 1

    def _top_up(self, name: str, amount: str, reference: str = "order-1") -> None:
        self.do(top_up(name, parse_amount(amount), reference))

    def _reserve(self, request_id: str, name: str, amount: str, named: str = "") -> None:
        """``named=a`` says that the client names the request by the idempotency key ``a``."""
        self._accounts[request_id] = name
        digest = sha256(named.removeprefix("named=").encode()).digest() if named else None
        amount_nano, version = parse_amount(amount), self._versions[name]
        self.do(reservation(request_id, name, amount_nano, key_version=version, idempotency_digest=digest))

    def _extend(self, request_id: str, amount: str) -> None:
        self.do(Extend(request_id=request_id, held_nano=parse_amount(amount)))

    def _mark(self, request_id: str, amount: str) -> None:
        usage, evidence = Usage(input_tokens=10, output_tokens=2, source="estimated"), Evidence(has_text=True)
        self.note(Mark(request_id=request_id, charge=charge(amount), usage=usage, evidence=evidence))

    def _delivered(self, request_id: str) -> None:
        self.note(Delivered(request_id=request_id))

    def _checked(self, request_id: str) -> None:
        self.note(Checked(request_id=request_id))

    def _post(self, request_id: str, amount: str, outcome: Outcome = "complete") -> None:
        self.do(Post(record=record(request_id, self._accounts.get(request_id, "alice"), amount, outcome)))

    def _void(self, request_id: str) -> None:
        self.do(Void(record=record(request_id, self._accounts[request_id], "0", "upstream_error")))

    def _withdraw(self, request_id: str) -> None:
        self.do(Withdraw(request_id=request_id))

    def _claim(self, request_id: str, share: str, amount: str) -> None:
        claim = Claim(rule="compensation.empty_truncated", kind="empty_reply", share=Fraction(share))
        self.do(FileClaim(request_id=request_id, claim=claim, amount_nano=parse_amount(amount)))

    def _give(self, adjustment_id: str, name: str, amount: str) -> None:
        self._adjust(adjustment_id, name, amount, is_gift=True)

    def _take(self, adjustment_id: str, name: str, amount: str) -> None:
        self._adjust(adjustment_id, name, amount, is_gift=False)

    def _adjust(self, adjustment_id: str, name: str, amount: str, *, is_gift: bool) -> None:
        self.do(
            Adjust(
                adjustment_id=adjustment_id,
                account=name,
                amount_nano=parse_amount(amount),
                direction="give" if is_gift else "take",
                reason="by hand",
                actor="operator",
            )
        )

    def _revoke(self, name: str) -> None:
        self.do(RevokeKey(key_id=name, actor="operator"))

    def _set_group(self, name: str, group: str) -> None:
        self.do(SetKeyGroup(key_id=name, group=group, actor="operator"))

    def _authenticate(self, name: str) -> None:
        """Look the key up afresh, as a request after a change would."""
        ((version,),) = self.ask("SELECT version FROM api_key WHERE id = ?", name)
        self._versions[name] = int(str(version))

    def _wait_h(self, hours: str) -> None:
        self.clock.time += timedelta(hours=float(hours))

    def _crash(self) -> None:
        dead = self.die()
        with claim_dead(self.data, dead):
            self.recover(dead)

    def _balance(self, name: str, amount: str) -> None:
        """What the account may spend now."""
        self._same(
            "SELECT IFNULL(SUM(credit_nano - debit_nano - pending_nano), 0) FROM book"
            " WHERE account_id = ? AND (expires_at IS NULL OR expires_at > ?)",
            (name, round(self.clock.time.timestamp() * 1000)),
            amount,
        )

    def _held(self, name: str, amount: str) -> None:
        self._same("SELECT IFNULL(SUM(pending_nano), 0) FROM book WHERE account_id = ?", (name,), amount)

    def _spent(self, name: str, amount: str) -> None:
        """What the account's key counts toward its cap."""
        self._same("SELECT spent_nano FROM api_key WHERE id = ?", (name,), amount)

    def _book(self, name: str, amount: str) -> None:
        """Credits less debits of one of the shop's books, all days and writers together."""
        self._same("SELECT SUM(credit_nano - debit_nano) FROM book WHERE kind = ?", (name,), amount)

    def _lots(self, name: str, *expected: str) -> None:
        """What is left on each of the account's lots, by kind, in the order they were opened."""
        rows = self.ask("SELECT kind, credit_nano - debit_nano FROM book WHERE account_id = ? ORDER BY id", name)
        assert [f"{kind}={format_nano(int(str(nano)))}" for kind, nano in rows] == list(expected)

    def _log(self, request_id: str, outcome: str, paid: str, overrun: str = "0") -> None:
        rows = self.ask("SELECT outcome, charge_nano, overrun_nano FROM request_log WHERE request_id = ?", request_id)
        assert rows == [(outcome, parse_amount(paid), parse_amount(overrun))]

    def _no_log(self, request_id: str) -> None:
        assert self.ask("SELECT 1 FROM request_log WHERE request_id = ?", request_id) == []

    def _claims(self, request_id: str, count: str) -> None:
        assert self.ask("SELECT COUNT(*) FROM claim WHERE request_id = ?", request_id) == [(int(count),)]

    def _same(self, question: str, values: tuple[object, ...], amount: str) -> None:
        ((nano,),) = self.ask(question, *values)
        assert format_nano(int(str(nano))) == amount
