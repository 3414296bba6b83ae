// The npm package `openai` against a shop: prints what it makes of each answer as lines of JSON.
import OpenAI from "openai";

const [base, apiKey, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey, maxRetries: 0 });
const say = (name, value) => console.log(JSON.stringify([name, value]));
const messages = [{ role: "user", content: "ping" }];
const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

const whole = await client.chat.completions.create({ model, messages });
say("text", [whole.choices[0].message.content, whole.choices[0].finish_reason, whole.usage.completion_tokens]);

let streamed = "";
for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
  streamed += chunk.choices[0].delta.content ?? "";
}
say("stream", streamed);

const weather = { name: "weather", parse: JSON.parse, parameters: schema, function: ({ city }) => `sunny in ${city}` };
const runner = client.chat.completions.runTools({ model, messages, tools: [{ type: "function", function: weather }] });
say("tools", await runner.finalContent());

const format = { type: "json_schema", json_schema: { name: "place", strict: true, schema } };
const place = await client.chat.completions.create({ model, messages, response_format: format });
say("structured", JSON.parse(place.choices[0].message.content));

const thought = await client.chat.completions.create({ model, messages, reasoning_effort: "high" });
say("thinking", [thought.choices[0].message.reasoning_content, thought.choices[0].message.content]);

try {
  await client.chat.completions.create({ model, messages: [{ role: "user", content: "fail" }] });
} catch (error) {
  say("error", [error.constructor.name, error.status]);
}
