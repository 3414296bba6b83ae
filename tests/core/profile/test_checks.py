"""What one section says must fit the others."""

from pathlib import Path

import pytest

from relay.core.profile.loader import load_profile

from .small import problems, write

CASES = {
    "zone": (
        "zh: 测试}",
        "zh: 测试}, timezone: Asia/Shangai",
        ["shop.yaml:1:44: shop.timezone: unknown time zone 'Asia/Shangai'; did you mean 'Asia/Shanghai'?"],
    ),
    "zone outside the database": (
        "zh: 测试}",
        "zh: 测试}, timezone: ../../etc/passwd",
        ["shop.yaml:1:44: shop.timezone: unknown time zone '../../etc/passwd'"],
    ),
    "zone that is a part of the world": (
        "zh: 测试}",
        "zh: 测试}, timezone: America",
        ["shop.yaml:1:44: shop.timezone: unknown time zone 'America'"],
    ),
    "offset for a zone": (
        "zh: 测试}",
        'zh: 测试}, timezone: "+08:00"',
        ["shop.yaml:1:44: shop.timezone: unknown time zone '+08:00'; expected a name such as Asia/Shanghai"],
    ),
    "name that is no network": (
        "groups:",
        "limits: {trusted_proxies: [localhost]}\ngroups:",
        ["shop.yaml:5:28: limits.trusted_proxies[0]: expected a network such as 10.0.0.0/8, found 'localhost'"],
    ),
    "quarter of a star": (
        'ratio: "1"',
        'ratio: "1", stars: "4.25"',
        ['shop.yaml:6:30: groups.plain.stars: expected 0 to 5 in halves, found "4.25"'],
    ),
    "six stars": (
        'ratio: "1"',
        'ratio: "1", stars: "6"',
        ['shop.yaml:6:30: groups.plain.stars: expected 0 to 5 in halves, found "6"'],
    ),
    "stars in words": (
        'ratio: "1"',
        'ratio: "1", stars: "many"',
        ['shop.yaml:6:30: groups.plain.stars: expected an exact number as quoted text, such as "1.5" or "4/3", found text'],
    ),
    "stars in a list": (
        'ratio: "1"',
        'ratio: "1", stars: ["4"]',
        ["shop.yaml:6:30: groups.plain.stars: expected an exact number as quoted text, found a list"],
    ),
    "stars without quotes": (
        'ratio: "1"',
        'ratio: "1", stars: 6',
        ['shop.yaml:6:30: groups.plain.stars: expected an exact number as quoted text, such as "1.5" or "4/3", found 6; write "6"'],
    ),
    "models that have no name": (
        "[gpt-4o]",
        "[gpt-4o, 5, {upstream: x}]",
        [
            "shop.yaml:12:22: channels[0].models[1]: expected text, found 5; quote it",
            "shop.yaml:12:25: channels[0].models[2]: 'name' is missing",
        ],
    ),
    "channel without a plugin": (
        "    use: channels.openai\n",
        "",
        ["shop.yaml:10:5: channels[0]: 'use' is missing"],
    ),
    "channels without a name": (
        "  - name: openai\n    use: channels.openai\n    models: [gpt-4o]\n    groups: [plain]\n",
        "  - use: channels.openai\n    models: [gpt-4o]\n    groups: [plain]\n" * 2,
        ["shop.yaml:10:5: channels[0]: 'name' is missing", "shop.yaml:13:5: channels[1]: 'name' is missing"],
    ),
    "price that is a number": (
        '{model_ratio: "1.25"}',
        "5",
        ["shop.yaml:8:11: prices.gpt-4o: expected a mapping, found 5"],
    ),
    "ratio that is a mapping": (
        '{model_ratio: "1.25"}',
        '{model_ratio: {gpt-4o: "1.25"}}',
        ["shop.yaml:8:25: prices.gpt-4o.model_ratio: expected an exact number as quoted text, found a mapping"],
    ),
    "date": (
        'ratio: "1"',
        'ratio: "1", reference_date: "2024/9/14"',
        [r"shop.yaml:6:39: groups.plain.reference_date: expected text matching regex '^\\d{4}-\\d{2}-\\d{2}$', found text"],
    ),
    "groups that are no text": (
        "groups: [plain]",
        "groups: [plain, 5, 6]",
        [
            "shop.yaml:13:21: channels[0].groups[1]: expected text, found 5; quote it",
            "shop.yaml:13:24: channels[0].groups[2]: expected text, found 6; quote it",
        ],
    ),
    "model twice in a channel": (
        "[gpt-4o]",
        "[gpt-4o, {name: gpt-4o, upstream: other}]",
        ["shop.yaml:12:29: channels[0].models[1].name: duplicate model 'gpt-4o' in one channel"],
    ),
    "proxy that is no network": (
        "groups:",
        "limits: {trusted_proxies: [10.0.0.1/8]}\ngroups:",
        ["shop.yaml:5:28: limits.trusted_proxies[0]: expected a network such as 10.0.0.0/8, found '10.0.0.1/8'; write 10.0.0.0/8"],
    ),
    "proxy that is no text": (
        "groups:",
        "limits: {trusted_proxies: [5]}\ngroups:",
        ["shop.yaml:5:28: limits.trusted_proxies[0]: expected text, found 5; quote it"],
    ),
    "key that is no text": (
        "    groups: [plain]",
        "    groups: [plain]\n    keys: [5]",
        ["shop.yaml:14:12: channels[0].keys[0]: expected text, found 5; quote it"],
    ),
    "default group of keys": (
        "groups:",
        "keys: {group: lily}\ngroups:",
        ["shop.yaml:5:15: keys.group: unknown group 'lily'; expected one of plain"],
    ),
    "file secret outside": (
        "    groups: [plain]",
        '    groups: [plain]\n    keys: ["vault:x"]',
        [
            "shop.yaml:14:12: channels[0].keys[0]: expected a reference such as env:NAME or file:PATH; "
            "a key itself never stands in a profile"
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), CASES.values(), ids=CASES.keys())
def test_misfit_is_reported(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    """Each misfit is a problem at the value that causes it."""
    assert problems(write(tmp_path, old, new)) == expected


@pytest.mark.parametrize(
    "address",
    [
        "api.example.com",
        "ftp://api.example.com",
        "https://",
        "https://user:pass@api.example",
        "https://user@api.example",
        "https://:pass@api.example",
        "https://a.example/#k",
        "https://a.example:0",
        "https://a.example:99999",
        "https://a.example/?k=1",
        "https://a.example/v1?",
        "https://a.example#",
        "https://@a.example",
        "https://a.example/v1\\n",
        "https://a.example\\u00a0/v1",
        "https://api..example",
    ],
)
def test_address_that_is_no_plain_one_is_refused(tmp_path: Path, address: str) -> None:
    """An address carries no secret and no query, and its message does not repeat it."""
    found = problems(write(tmp_path, "groups: [plain]", f'groups: [plain]\n    base_url: "{address}"'))

    assert found == [
        "shop.yaml:14:15: channels[0].base_url: expected an address such as https://api.example.com, "
        "without user, password or query"
    ]


@pytest.mark.parametrize(
    "address",
    [
        "https://api.example.com",
        "http://127.0.0.1:1",
        "http://127.0.0.1:8080/v4/chat/completions",
        "http://[::1]:8080/@a",
        "https://接口.example",
    ],
)
def test_plain_address_is_taken(tmp_path: Path, address: str) -> None:
    """With or without a path, and on any port."""
    path = write(tmp_path, "groups: [plain]", f"groups: [plain]\n    base_url: '{address}'")

    assert load_profile(path).profile.channels[0].base_url == address


@pytest.mark.parametrize(("written", "stars"), [("0", "0"), ("4.5", "9/2"), ("5", "5")])
def test_stars_in_halves_are_taken(tmp_path: Path, written: str, stars: str) -> None:
    """Four and a half stars are on the shops' cards; none and five are the least and the most."""
    path = write(tmp_path, 'ratio: "1"', f'ratio: "1", stars: "{written}"')

    assert str(load_profile(path).profile.groups["plain"].stars) == stars
