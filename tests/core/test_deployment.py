"""A deployment in the path is the model, whatever the body says."""

import pytest

from relay.core.deployment import name_deployment
from relay.core.errors import BadRequestError

FORM = 'multipart/form-data; boundary="b"'


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"messages":[ ]}', b'{"messages":[ ],"model":"gpt-4o"}'),
        (b'{"model":"other", "n": 1}', b'{"model":"gpt-4o","n":1}'),
        (b'{"model":"a","model":"b"}', b'{"model":"gpt-4o"}'),
        (b'{"mod\\u0065l":"a"}', b'{"model":"gpt-4o"}'),
        (b'{"model":null}', b'{"model":"gpt-4o"}'),
    ],
)
def test_a_document_has_one_model_and_that_is_the_deployment(body: bytes, named: bytes) -> None:
    """Whether it named none, another, or several; every other value is as it came."""
    assert name_deployment(body, "application/json", "gpt-4o") == named


def test_a_form_has_the_deployment_as_its_model() -> None:
    """The file is as it came."""
    file = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n--b--\r\n'
    model = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n'
    assert name_deployment(file, FORM, "whisper") == model + file


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"text"'])
def test_what_is_no_document_is_refused(body: bytes) -> None:
    """As the endpoint itself would."""
    with pytest.raises(BadRequestError):
        name_deployment(body, "application/json", "gpt-4o")
