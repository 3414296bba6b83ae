"""What of an upstream's words a customer may read: nothing that names it, its accounts or its keys."""

import re

MESSAGE_LENGTH_MAX = 500
_KEY_LIKE = r"""
      \b (?: sk|pk|rk|xai|gsk|fk|hf|r8|pplx|nvapi ) [-_] [\w-]{4,}
    | \b (?: sess|org|proj|req|user|acct|chatcmpl|resp|msg|cf-ray ) [-_] (?= [\w-]* (?: \d | (?-i: [A-Z] ) ) ) [\w-]{4,}
    | \b (?-i: AIza | AKIA | ASIA | eyJ ) [\w-]{10,}
    | \b [0-9a-f]{8} (?: - [0-9a-f]{4} ){3} - [0-9a-f]{12} \b
    | \b (?= [a-z]* \d ) [a-z0-9]{24,} \b                                 # long ids and hashes
    | \b \d{1,3} (?: \. \d{1,3} ){3} (?: : \d+ )? \b
    | (?<! [\w.-] ) (?: [a-z0-9-]+ \. )+ (?: com|net|org|io|ai|cn|dev|app|cloud|co|so|me|xyz|local|internal|top|vip|cc|tech
        | site|shop|pro|biz|online|uk|eu|jp|kr|ru|hk|tw|sg|au|ca|fr|lan|svc|arpa ) \b (?: : \d+ )? (?: / [^\s"'<>),]* )?
"""
"""What names an account, a key, an answer or a host, also alone."""
_NAMING = re.compile(f"(?ix){_KEY_LIKE}")
_REVEALING = re.compile(
    rf"""(?ix)
      \(?\b request [\s_-]? id \b ["']? \s* [:=]? \s* [\w-]+ \)?          # (request id: 2024...)
    | \b https?:// [^\s"'<>),]+
    | \b [\w.+-]+ @ [\w-]+ \. [\w.-]+
    | \b bearer \s+ \S+
    | (?<! [\w.-] ) (?= [a-z0-9-]{{0,63}} (?: api|proxy|gateway|relay|server|host|node|llm ) ) [a-z0-9-]{{1,63}} : \d{{4,5}} \b
    | \[ (?= [^\]]* (?: ::|[a-f] ) ) (?: [0-9a-f]* : ){{2,7}} [0-9a-f]* \] (?: : \d+ )?
    | \S* \*{{2,}} \S*                                                      # a key, masked
    | {_KEY_LIKE}
    """
)


def sanitise(message: str) -> str:
    """Return *message* in one line of at most 500 characters, without what names the upstream.

    Addresses, hosts, mail addresses, organisations, keys, request ids and other long ids become
    ``[removed]``; the customer's own links go with them, because nobody can tell them apart.

    >>> sanitise("Error for org-abc123 (request id: 20240101), see https://api.x.ai/doc")
    'Error for [removed] [removed], see [removed]'
    """
    line = "".join(char if char.isprintable() else " " for char in message[: 4 * MESSAGE_LENGTH_MAX])
    line = " ".join(_REVEALING.sub("[removed]", line).split())
    return line if len(line) <= MESSAGE_LENGTH_MAX else line[: MESSAGE_LENGTH_MAX - 1] + "…"


def names_upstream(name: str) -> bool:
    """Say whether a code, or the name of a field, tells of a host, an account or a key.

    >>> names_upstream("api.x.ai"), names_upstream("web_search_options.user_location")
    (True, False)
    """
    return _NAMING.search(name) is not None
