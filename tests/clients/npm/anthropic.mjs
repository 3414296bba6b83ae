// The npm package `@anthropic-ai/sdk` against a shop: prints what it makes of each answer as lines of JSON.
import Anthropic from "@anthropic-ai/sdk";

const [base, apiKey, model] = process.argv.slice(2);
const client = new Anthropic({ baseURL: base, apiKey, maxRetries: 0 });
const say = (name, value) => console.log(JSON.stringify([name, value]));
const messages = [{ role: "user", content: "ping" }];
const asked = { model, messages, max_tokens: 2048 };
const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

const whole = await client.messages.create(asked);
say("text", [whole.content[0].text, whole.stop_reason, whole.usage.output_tokens]);

say("stream", await client.messages.stream(asked).finalText());

const tools = [{ name: "weather", input_schema: schema }];
const wanted = await client.messages.stream({ ...asked, tools }).finalMessage();
const call = wanted.content.find((block) => block.type === "tool_use");
const result = { type: "tool_result", tool_use_id: call.id, content: `sunny in ${call.input.city}` };
const talk = [...messages, { role: "assistant", content: wanted.content }, { role: "user", content: [result] }];
const told = await client.messages.create({ ...asked, tools, messages: talk });
say("tools", told.content[0].text);

const place = await client.messages.create({ ...asked, output_config: { format: { type: "json_schema", schema } } });
say("structured", JSON.parse(place.content[0].text));

const thought = await client.messages.create({ ...asked, thinking: { type: "enabled", budget_tokens: 1024 } });
say("thinking", [thought.content[0].thinking, thought.content[1].text]);

try {
  await client.messages.create({ ...asked, messages: [{ role: "user", content: "fail" }] });
} catch (error) {
  say("error", [error.constructor.name, error.status]);
}
