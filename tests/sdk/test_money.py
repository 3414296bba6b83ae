"""What an SDK's requests cost, as the operator's command line tells it beside the running server."""

import anthropic
import openai

from tests.sdk.shop import Shop


def test_two_requests_of_a_new_customer_are_in_the_books_to_the_nano_credit(shop: Shop) -> None:
    """An account and key made a moment ago pay 0.000144 and 0.000048 of 10 credits, and the books are right."""
    shop.relay("account", "create", "bob", "--credit", "10")
    made = shop.relay("key", "create", "--account", "bob")
    with openai.OpenAI(base_url=shop.url, api_key=made["key"]) as client:
        client.chat.completions.create(model="gpt-sim", messages=[{"role": "user", "content": "hi"}])
    with anthropic.Anthropic(base_url=shop.url, api_key=made["key"]) as other:
        other.messages.create(model="claude-sim", max_tokens=4, messages=[{"role": "user", "content": "hi"}])
    log = shop.relay("log", "list", "--key", made["id"])
    assert [row["charge"] for row in log] == ["0.000144", "0.000048"]
    account = shop.relay("account", "show", "bob")
    assert (account["balance"], account["held"], account["available"]) == ("9.999808", "0", "9.999808")
    assert shop.relay("bill", "explain", log[0]["request_id"])["charge"] == "0.000144"
    assert shop.relay("ledger", "verify")["ok"] is True
