"""What customers read when something is refused: one sentence per code, in English and Chinese.

Codes are fixed and clients match them; texts may change. A sentence says what was expected,
what was found and what to do next, and its placeholders are all that varies in it. A
code may have variants, ``CODE.NAME``, used where the parameter NAME has a value.
"""

from collections.abc import Mapping, Sequence

import msgspec

LANGUAGE_RANGES_MAX = 20
"""How many entries of an Accept-Language header are read; browsers send fewer than ten."""


class Sentence(msgspec.Struct, frozen=True):
    """One sentence in both languages, with the same ``{placeholders}``."""

    en: str
    zh: str


TEXTS: Mapping[str, Sentence] = {
    # The key.
    "api_key_missing": Sentence(
        "expected an api key, found none; send it as 'Authorization: Bearer KEY' or in the header 'x-api-key'",
        "请求没有带令牌；请放在请求头 Authorization: Bearer 令牌，或 x-api-key 中",
    ),
    "invalid_api_key": Sentence(
        "this shop does not know the api key; copy the whole key again, and check the base URL",
        "本站没有这个令牌；请重新复制完整的令牌，并核对接口地址",
    ),
    "api_key_expired": Sentence(
        "the api key expired at {expired_at}; use another key, or create a new one",
        "该令牌已于 {expired_at} 过期；请换用其他令牌，或新建令牌",
    ),
    "api_key_revoked": Sentence(
        "the api key was revoked; use another one",
        "该令牌已被停用；请换用其他令牌",
    ),
    "api_key_exhausted": Sentence(
        "the api key's own limit of {cap} credits is used up, regardless of the account's balance; "
        "use another key, or a new one with a higher limit",
        "该令牌的额度 {cap} 已用尽（与账户额度无关）；请换用其他令牌，或新建额度更高的令牌",
    ),
    "stale_key": Sentence(
        "the api key was changed while the request was under way; send the request again",
        "请求处理期间令牌被修改；请重新发送请求",
    ),
    "access_denied": Sentence(
        "the api key may not be used from this address; use another key, or a new one that allows the address",
        "该令牌不能从当前地址使用；请换用其他令牌，或新建允许该地址的令牌",
    ),
    "access_denied.ip": Sentence(
        "the api key may not be used from '{ip}'; use another key, or a new one that allows the address",
        "您的 IP {ip} 不在令牌的 IP 白名单中；请换用其他令牌，或新建允许该 IP 的令牌",
    ),
    "group_not_found": Sentence(
        "the api key's group '{group}' is no longer offered; switch the key to another group",
        "令牌所属的分组 {group} 已停用；请把令牌切换到其他分组",
    ),
    "model_not_allowed": Sentence(
        "the api key may not use the model '{model}'; use another model, or a key that allows this one",
        "该令牌无权使用模型 {model}；请换用其他模型，或换用可使用该模型的令牌",
    ),
    # Money.
    "insufficient_user_quota": Sentence(
        "the account has {remaining} credits available, but the request may cost up to {needed}; "
        "top up, shorten the request, or set a lower output limit",
        "账户可用额度 {remaining}，本次请求最多需要 {needed}；请充值，或缩短内容、调低输出上限",
    ),
    "pre_consume_token_quota_failed": Sentence(
        "the api key has {remaining} credits of its own limit left, but the request may cost up to {needed}; "
        "shorten the request, set a lower output limit, or use a key with a higher limit",
        "令牌额度剩余 {remaining}，本次请求最多需要 {needed}；请缩短内容、调低输出上限，或换用额度更高的令牌",
    ),
    "model_price_error": Sentence(
        "the shop has set no price for the model, so the request was refused and costs nothing; please tell the shop",
        "本站尚未给该模型定价，请求已被拒绝，不扣费；请联系站长",
    ),
    "model_price_error.model": Sentence(
        "the shop has set no price for model '{model}', so the request was refused and costs nothing; please tell the shop",
        "本站尚未给模型 {model} 定价，请求已被拒绝，不扣费；请联系站长",
    ),
    "model_price_error.tool": Sentence(
        "the shop has set no price for '{tool}' at model '{model}', so the request was refused and costs nothing; leave the tool out",
        "本站尚未给模型 {model} 的工具 {tool} 定价，请求已被拒绝，不扣费；请去掉该工具",
    ),
    # The model and its channels.
    "model_not_found": Sentence(
        "group '{group}' has no channel for model '{model}'; see the model list at /v1/models",
        "当前分组下没有可用渠道：分组 {group} 没有模型 {model}；可用的模型见 /v1/models",
    ),
    "model_not_found.endpoints": Sentence(
        "group '{group}' has no channel for model '{model}' at this endpoint; it has one at: {endpoints}",
        "当前分组下没有可用渠道：分组 {group} 的模型 {model} 不支持此接口；请改用：{endpoints}",
    ),
    "model_not_found.groups": Sentence(
        "group '{group}' has no channel for model '{model}'; groups that have it: {groups}; switch the key's group",
        "当前分组下没有可用渠道：分组 {group} 没有模型 {model}；有该模型的分组：{groups}；请切换令牌的分组",
    ),
    "model_not_found.nearest": Sentence(
        "group '{group}' has no channel for model '{model}'; did you mean '{nearest}'? "
        "names are case-sensitive and must match exactly",
        "当前分组下没有可用渠道：分组 {group} 没有模型 {model}；是否想用 {nearest}？模型名必须完全一致，区分大小写",
    ),
    "channels_cooling_down": Sentence(
        "all channels of group '{group}' for model '{model}' are recovering from errors; try again in a moment",
        "当前分组下没有可用渠道：分组 {group} 中模型 {model} 的渠道暂时都不可用，正在恢复；请稍后再试",
    ),
    "unknown_model": Sentence(
        "the api key's group has no model '{model}'; see the model list at /v1/models",
        "令牌所属的分组没有模型 {model}；可用的模型见 /v1/models",
    ),
    # The request.
    "bad_request": Sentence(
        "expected a JSON object in valid UTF-8, not nested too deeply, but could not read the body as one; check it",
        "请求体应为 UTF-8 编码、嵌套不过深的 JSON 对象，但无法解析；请检查请求体",
    ),
    "bad_request.missing": Sentence("the field '{missing}' is missing; add it", "缺少参数 {missing}；请补上"),
    "bad_request.least": Sentence(
        "the field '{param}' must be a whole number from {least} to {most}",
        "参数 {param} 应为 {least} 到 {most} 的整数",
    ),
    "bad_request.param": Sentence(
        "the field '{param}' is not what this endpoint expects; compare it with the API's documentation",
        "参数 {param} 不正确；请对照接口文档检查",
    ),
    "too_many_values": Sentence(
        "the request has too many values: at most {values_max} strings, objects and lists, and {numbers_max} with numbers "
        "included; send less at once, or long data as one string",
        "请求包含的值过多：字符串、对象和数组最多 {values_max} 个，连同数字最多 {numbers_max} 个；请减少内容，或把长数据合并为一个字符串",
    ),
    "misspelt_field": Sentence(
        "the field '{param}' must be spelled '{expected}', in this letter case; correct it, or leave it out",
        "参数 {param} 的正确写法是 {expected}，区分大小写；请改正或去掉",
    ),
    "bad_form": Sentence(
        "expected a well-formed multipart/form-data body: one Content-Disposition in each part, and nothing outside "
        "the parts; let an HTTP library write it",
        "请求体应为规范的 multipart/form-data 表单：每个部分各有一个 Content-Disposition，部分之外没有其他内容；"
        "请使用 HTTP 库生成表单",
    ),
    "not_offered": Sentence(
        "this shop does not offer what the field '{param}' asks for; leave the field out",
        "本站不支持参数 {param} 所要求的功能；请去掉该参数",
    ),
    "unknown_answer": Sentence(
        "this account has no stored answer with the id in the field '{param}'; send the whole conversation instead",
        "本账户没有参数 {param} 所指的已保存回复；请改为发送完整对话",
    ),
    "answer_not_found": Sentence(
        "this account has no stored answer with this id; check the id, and note that an answer is not stored with "
        "'store: false', if it broke off, or if the model's upstream has another API",
        "本账户没有此 id 的已保存回复；请核对 id，并注意：设为 store: false、未正常结束，或上游使用其他接口的回复不会保存",
    ),
    "not_carried": Sentence(
        "the field '{param}' can't be translated for this model, whose upstream speaks '{dialect}'; "
        "leave the field out, or use the model's native API",
        "参数 {param} 无法转换给该模型（其上游接口为 {dialect}）；请去掉该参数，或改用该模型的原生接口",
    ),
    "invalid_header": Sentence(
        "the value of the header '{param}' can't be forwarded; remove all but printable ASCII characters from it",
        "请求头 {param} 的值无法转发；请只使用可打印的 ASCII 字符",
    ),
    "bad_idempotency_key": Sentence(
        "expected an 'idempotency-key' of at most 255 printable ASCII characters; send a shorter one, or none",
        "请求头 idempotency-key 应为不超过 255 个可打印的 ASCII 字符；请缩短，或不发送",
    ),
    "idempotency_key_used": Sentence(
        "request '{request_id}' already used this idempotency key and is '{state}', so this request was not "
        "carried out and costs nothing; use a new key to send it again",
        "请求 {request_id} 此前已使用该幂等键，状态为 {state}；本次请求未执行，不扣费；如需重新请求，请更换幂等键",
    ),
    "idempotency_key_used.charge": Sentence(
        "request '{request_id}' already used this idempotency key, is '{state}' and cost {charge} credits, so "
        "this request was not carried out and costs nothing; use a new key to send it again",
        "请求 {request_id} 此前已使用该幂等键，状态为 {state}，已扣费 {charge}；本次请求未执行，不扣费；如需重新请求，请更换幂等键",
    ),
    "headers_too_large": Sentence(
        "expected at most 200 headers of at most 64 KiB together; send fewer or shorter ones",
        "请求头超过 200 个，或总长超过 64 KiB；请减少请求头",
    ),
    "encoded_body": Sentence(
        "expected a plain body, found a compressed one; send it without 'content-encoding'",
        "请求体不能压缩；请去掉 content-encoding 后发送",
    ),
    "incomplete_body": Sentence(
        "the request's body is incomplete, not framed as HTTP demands, or took too long to arrive; send it again",
        "请求体不完整、分块格式有误，或发送过慢；请重新发送",
    ),
    "request_too_large": Sentence(
        "the request's body is larger than {bytes_max} bytes, the most this shop takes; shorten it",
        "请求体超过本站上限 {bytes_max} 字节；请缩短后再发送",
    ),
    "unknown_endpoint": Sentence(
        "this shop has no endpoint '{path}'; the nearest is {nearest}; check the base URL, which is this shop's address, "
        "with or without /v1",
        "本站没有接口 {path}；最接近的接口是 {nearest}；请核对接口地址（本站网址，带或不带 /v1 均可）",
    ),
    "method_not_allowed": Sentence(
        "expected the method {expected} at this endpoint, found {method}",
        "该接口应使用 {expected} 方法，收到的是 {method}",
    ),
    "websocket_expected": Sentence(
        "this endpoint is a websocket; connect to it with a websocket client (wss://)",
        "该接口为 WebSocket；请使用 WebSocket 客户端（wss://）连接",
    ),
    "plain_http_expected": Sentence(
        "this endpoint is no websocket; send a plain request with the method {expected}",
        "该接口不是 WebSocket；请使用 {expected} 方法发送普通请求",
    ),
    "session_idle": Sentence(
        "the session was closed after {seconds} s without an event from either side; open a new one",
        "会话双方 {seconds} 秒内没有任何事件，会话已关闭；请重新连接",
    ),
    "session_expired": Sentence(
        "the session was closed at its limit of {seconds} s; open a new one",
        "会话已达到时长上限 {seconds} 秒，已关闭；请重新连接",
    ),
    # The relay itself.
    "overloaded": Sentence(
        "the shop has more requests than it can take at the moment; try again in a few seconds",
        "当前请求过多；请几秒后再试",
    ),
    "storage_full": Sentence(
        "the shop has no storage left for new requests; try again later",
        "本站存储空间不足，暂不接受新请求；请稍后再试",
    ),
    "shutting_down": Sentence(
        "the shop is restarting; try again in a few seconds",
        "服务正在重启；请几秒后再试",
    ),
    "ledger_unavailable": Sentence(
        "the shop can't record charges at the moment; try again in a few seconds",
        "计费系统暂时不可用；请几秒后再试",
    ),
    "internal_error": Sentence(
        "the shop failed to handle the request; if this happens again, send the shop the request id",
        "服务内部错误；如再次出现，请把请求 ID 发给站长",
    ),
    "plugin_error": Sentence(
        "one of the shop's plugins failed, so the request was not served; send the shop the request id",
        "本站的插件出错，请求未能完成；请把请求 ID 发给站长",
    ),
    "other": Sentence(
        "the shop refused the request with the code '{code}'; ask the shop what it means",
        "本站拒绝了该请求（错误码 {code}）；请联系站长",
    ),
    # The upstream, when every attempt is used up.
    "upstream_error": Sentence(
        "the model's provider failed to answer; try again, or another model or group",
        "上游服务出错；请重试，或换用其他模型或分组",
    ),
    "upstream_timeout": Sentence(
        "the model's provider did not answer in time; try again, or another model or group",
        "上游服务响应超时；请重试，或换用其他模型或分组",
    ),
    "upstream_throttled": Sentence(
        "the model's provider is taking no more requests at the moment; please try again in {wait_s}s",
        "当前分组上游负载已饱和；请在 {wait_s} 秒后再试",
    ),
    "upstream_overloaded": Sentence(
        "the model's provider is overloaded; please try again in {wait_s}s, or another model or group",
        "上游服务过载；请在 {wait_s} 秒后再试，或换用其他模型或分组",
    ),
    "upstream_unavailable": Sentence(
        "none of the group's channels can serve the model at the moment; try again later, or another group",
        "当前分组的渠道暂时都不可用；请稍后再试，或切换分组",
    ),
    "context_length_exceeded": Sentence(
        "the request needs more tokens than the model's provider takes from this shop in a minute; shorten it, or ask for "
        "less output",
        "本次请求所需的 token 超过上游允许本站每分钟使用的数量；请缩短内容，或调低输出上限",
    ),
    "upstream_refused": Sentence(
        "the model's provider refused the request; compare its fields with the API's documentation",
        "上游拒绝了该请求；请对照接口文档检查参数",
    ),
}


def text(code: str, locale: str, params: Mapping[str, str]) -> str:
    """Return the sentence for *code* in *locale*, filled from *params*.

    A plugin's own code, which has no sentence here, is named in a general one.

    >>> text("request_too_large", "en", {"bytes_max": "1024"})
    "the request's body is larger than 1024 bytes, the most this shop takes; shorten it"
    >>> text("adults_only", "zh", {})
    '本站拒绝了该请求（错误码 adults_only）；请联系站长'
    """
    known = {name: value for name, value in params.items() if value}
    variant = next((f"{code}.{name}" for name in known if f"{code}.{name}" in TEXTS), code)
    if variant not in TEXTS:
        variant, known = "other", {"code": code}
    sentence = TEXTS[variant]
    return (sentence.zh if locale == "zh" else sentence.en).format_map(_Unknown(known))


class _Unknown(dict[str, str]):
    """Fills a placeholder that has no value with "?": writing an error must not raise another."""

    def __missing__(self, name: str) -> str:
        return "?"


def pick_locale(accept_language: str, locales: Sequence[str]) -> str:
    """Return the shop's language that the customer likes best; the shop's first where none is named.

    Source: RFC 9110, 12.5.4, read 2026-11-23.

    >>> pick_locale("fr, zh-CN;q=0.9, en;q=0.8", ("en", "zh"))
    'zh'
    """
    best, best_weight = locales[0], 0.0
    for entry in accept_language.split(",")[:LANGUAGE_RANGES_MAX]:
        name, _, weight_text = entry.partition(";")
        language = name.strip().lower().partition("-")[0]
        weight = _weight(weight_text)
        if language in locales and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(text: str) -> float:
    """Return the weight in ``q=0.9``: 1 where none is given, 0 for nonsense."""
    if not text.strip():
        return 1.0
    try:
        return float(text.strip().lower().removeprefix("q="))
    except ValueError:
        return 0.0
