"""What of an upstream's words a customer may read: nothing that names it, its accounts or its keys."""

import re

from .host_names import DOTTED, HYPHENED, is_host, is_resource

MESSAGE_LENGTH_MAX = 500
_KEY_LIKE = r"""
      \b (?: sk|pk|rk|xai|gsk|fk|hf|r8|pplx|nvapi|gh[oprsu]|github_pat|glpat ) [-_] [\w-]{4,}
    | \b (?: sess|org|proj|req|user|acct|chatcmpl|resp|msg|cf-ray ) [-_] (?= [\w-]* (?: \d | (?-i: [A-Z] ) ) ) [\w-]{4,}
    | \b (?-i: AIza [\w-]* | (?: AKIA | ASIA | eyJ ) [\w-]{10,} | ya29\. [\w.-]+ )
    | \b arn: [a-z-]+ : [^\s"'`<>),]+
    | \b (?: projects|organizations|folders|subscriptions|resourcegroups ) / [^\s"'`<>),]+
    | \b \d{12} \b                                                          # an account of AWS, a project of Google's
    | \b [0-9a-f]{8} (?: - [0-9a-f]{4} ){3} - [0-9a-f]{12} \b
    | \b (?= [a-z]* \d ) [a-z0-9]{24,} \b                                 # long ids and hashes
    | \b \d{1,3} (?: \. \d{1,3} ){3} (?: : \d+ )? \b
"""
"""What names an account, a key or an answer, even with nothing around it."""
_NAMING = re.compile(f"(?aix){_KEY_LIKE}")
_REVEALING = re.compile(
    rf"""(?aix)
      \(?\b request [\s_-]? id \b ["']? \s* [:=]? \s* [\w-]+ \)?          # (request id: 2024...)
    | \b https?:// [^\s"'`<>),]+
    | \b [\w.+-]+ @ [\w-]+ \. [\w.-]+
    | \b bearer \s+ \S+
    | (?<! [\w.-] ) (?= [a-z0-9-]{{0,63}} (?: api|proxy|gateway|relay|server|host|node|llm ) ) [a-z0-9-]{{1,63}} : \d{{4,5}} \b
    | \[ (?= [^\]]* (?: ::|[a-f] ) ) (?: [0-9a-f]* : ){{2,7}} [0-9a-f]* \] (?: : \d+ )?
    | \S* \*{{2,}} \S*                                                      # a key, masked
    | {_KEY_LIKE}
    """
)
_PATH = re.compile(r"""\[removed\]/[^\s"'`<>),]*""")
"""The path that followed a removed host."""


def sanitise(message: str) -> str:
    """Return *message* as one line of at most 500 characters, without anything that names the upstream.

    Addresses, hosts, mail addresses, organisations, keys, request ids and other long ids become
    ``[removed]``; so do the customer's own links, as nothing tells them apart.

    >>> sanitise("Error for org-abc123 (request id: 20240101), see https://api.x.ai/doc")
    'Error for [removed] [removed], see [removed]'
    """
    line = "".join(char if char.isprintable() else " " for char in message[: 4 * MESSAGE_LENGTH_MAX])
    line = _REVEALING.sub("[removed]", line)
    line = DOTTED.sub(lambda found: "[removed]" if is_host(found[0]) else found[0], line)
    line = HYPHENED.sub(lambda found: "[removed]" if is_resource(found[0]) else found[0], line)
    line = " ".join(_PATH.sub("[removed]", line).split())
    return line if len(line) <= MESSAGE_LENGTH_MAX else line[: MESSAGE_LENGTH_MAX - 1] + "…"


def names_upstream(name: str) -> bool:
    """Say whether a code, or the name of a field, gives away a host, an account or a key.

    >>> names_upstream("api.x.ai"), names_upstream("web_search_options.user_location")
    (True, False)
    """
    if any(is_host(found[0]) for found in DOTTED.finditer(name)) or _NAMING.search(name):
        return True
    return any(is_resource(found[0]) for found in HYPHENED.finditer(name))
