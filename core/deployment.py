"""Azure's way of naming a model: by the deployment in the path, whatever the body says.

Clients of Azure leave ``model`` out, or fill in the vendor's name of the deployed model. Source:
ChatGPTBox-dev/chatGPTBox 0d01aed30d52 ``src/services/apis/azure-openai-api.mjs`` (none), openai (PyPI) 2.x
``lib/azure.py`` (the deployment's), read 2026-11-29.
"""

import msgspec

from .dialects.fields import read_object
from .form import Form


def name_deployment(body: bytes, content_type: str, deployment: str) -> bytes:
    """Return *body*, JSON or a multipart form, with *deployment* as its only ``model``.

    >>> name_deployment(b'{"messages": []}', "application/json", "gpt-4o")
    b'{"messages":[],"model":"gpt-4o"}'

    Raises:
        BadRequestError: It is neither.
    """
    model = msgspec.Raw(msgspec.json.encode(deployment))
    if content_type.lower().startswith("multipart/"):
        form = Form(body, content_type)
        return form.body({**form.fields, "model": model})
    return msgspec.json.encode({**read_object(body), "model": model})
