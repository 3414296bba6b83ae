"""Whether a 403 or 404 blames something in the request, or something of ours: a key, an account, a model.

Upstreams use the same two statuses for a dead key, for an unknown model, and for a file, item or
cache that does not exist. A customer who names a file that does not exist must not take the key or
the model away from everybody else. Wordings of such refusals, read 2026-11-30:

- Gemini, 403: "You do not have permission to access the File x or it may not exist."
  (googleapis/python-genai#1218); "CachedContent not found (or permission denied)"; and of a file in
  a storage bucket "Permission denied while accessing input file." (googleapis/js-genai#666) or no
  more than "The caller does not have permission" (firebase/flutterfire#13530).
- OpenAI, 404: "Item with id 'x' not found." (home-assistant/core#150251); "No such File object: x".
- Azure, 404: "Container not found" (BerriAI/litellm#30936).
- Anthropic, 404: "File not found: x" (documentation, "Files API", error handling).
- OpenRouter, 404: "No endpoints found that support image input" (aaif-goose/goose#5396), or "tool use".
- OpenAI, of a model asked at another's endpoint, 403: "You are not allowed to generate embeddings from this model"
  (infiniflow/ragflow#1835), "to sample" (open-webui/open-webui#2250); 404: "This is not a chat model and thus not
  supported in the v1/chat/completions endpoint." (Chanzhaoyu/chatgpt-web#1428), "This model is only supported in
  v1/responses and not in v1/chat/completions." (n8n-io/n8n#18352).

Wordings about a key or a model: "Your API key was reported as leaked" (continuedev/continue#10513),
"Consumer 'api_key:…' has been suspended" (coaidev/coai#67), "… API has not been used in project …"
(google-gemini/gemini-cli#1343), "Permission denied on resource project" (Kilo-Org/kilocode#2842),
``IAM_PERMISSION_DENIED`` (rhel-lightspeed/linux-mcp-server#450), ``DeploymentNotFound``
(MicrosoftDocs/azure-docs#114013), and the recordings err-401, err-404-model and documented/*-403-* of wire/.
"""

import re

from .error_body import ErrorBody
from .sent_request import GAP, SentRequest

_QUOTED = re.compile(r"""(?<!\w)'[^']*'|"[^"]*"|`[^`]*`""")
_ADDRESS = re.compile(r"https?://\S*")
_WORDS_LENGTH_MAX = 200
"""Characters that are looked at: a vendor names the fault first, and the advice that follows may mention anything."""
_OURS = re.compile(
    r"(?<![a-z])(?:model|deployment|engine|endpoint|publisher|api version|invalid url|request url|request path"
    r"|api ?key|key(?![a-z])|authenticat|access token|billing|quota|balance|credits?(?![a-z])|(?<!service )account|project"
    r"|organi[sz]ation|workspace|consumer|subscription|suspend|leak|banned|disabled|group|iam(?![a-z])"
    r"|country|region|territor|location)"
    r"|模型|令牌|密钥|账户|账号|用户|额度|余额|分组|渠道"
)
"""Words about what is ours: our key, account, money and region, the model, and the URL that we call."""
_OUTSIDE = re.compile(
    r"(?<![a-z])(?:file|item|container|cached ?content|vector ?store|conversation|prompt|interaction|cloud storage"
    r"|response(?= with| id| not))"
)
_GOOGLES_STATUSES = {"not_found", "permission_denied"}
_CANT_DO = re.compile(
    r"no endpoints found that support|not allowed to (?:sample|generate embeddings) from this model"
    r"|this is not a chat model|model is only supported in v1/"
)
"""Said when the model exists, but can't do what the request asks for."""


def blames_the_request(error: ErrorBody, sent: SentRequest) -> bool:
    """Say whether *error*, a refusal by 403 or 404, is the fault of the request and not of anything of ours.

    It is the request's fault if the model exists but can't do what is asked; if the request refers to
    something outside itself and the words mention such a thing; or if it refers to a file of Google's and
    Google's words mention nothing known. In the last two cases, it is not if the words mention our key,
    money or model. Words that also occur in the request's own ids and addresses prove nothing: a file may
    be called ``model``.
    """
    words = _ADDRESS.sub(GAP, _QUOTED.sub(GAP, error.message))[:_WORDS_LENGTH_MAX]
    text = " ".join((error.code, error.type, error.param or "", *error.reasons, words)).lower().replace("_", " ")
    if _CANT_DO.search(text):
        return True
    ours = {found[0] for found in _OURS.finditer(text)}
    if sent.model and re.search(rf"(?<![\w-]){re.escape(sent.model)}(?![\w-])", error.message):
        ours.add(sent.model.lower().replace("_", " "))
    if ours != sent.words_in_references(ours):
        return False
    if sent.has_references and _OUTSIDE.search(text):
        return True
    return sent.names_google_files and error.type.lower() in _GOOGLES_STATUSES
