// The Responses of the npm package `openai` against a shop: prints what it makes of each answer as lines of JSON.
import OpenAI from "openai";

const [base, apiKey, model] = process.argv.slice(2);
const { responses } = new OpenAI({ baseURL: `${base}/v1`, apiKey, maxRetries: 0 });
const say = (name, value) => console.log(JSON.stringify([name, value]));
const asked = { model, input: "ping" };
const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

const whole = await responses.create(asked);
say("text", [whole.output_text, whole.status, whole.usage.output_tokens]);

let streamed = "";
for await (const event of await responses.create({ ...asked, stream: true })) {
  if (event.type === "response.output_text.delta") streamed += event.delta;
}
say("stream", streamed);

const tools = [{ type: "function", name: "weather", strict: true, parameters: schema }];
const wanted = await responses.stream({ ...asked, tools }).finalResponse();
const call = wanted.output.find((item) => item.type === "function_call");
const output = `sunny in ${JSON.parse(call.arguments).city}`;
const talk = [{ role: "user", content: "ping" }, ...wanted.output];
const result = { type: "function_call_output", call_id: call.call_id, output };
say("tools", (await responses.create({ model, input: [...talk, result], tools })).output_text);

const format = { type: "json_schema", name: "place", strict: true, schema };
say("structured", (await responses.parse({ ...asked, text: { format } })).output_parsed);

const thought = await responses.create({ ...asked, reasoning: { effort: "high", summary: "auto" } });
const reasoning = thought.output.find((item) => item.type === "reasoning");
say("thinking", [reasoning.summary.map((part) => part.text).join(""), thought.output_text]);

try {
  await responses.create({ model, input: "fail" });
} catch (error) {
  say("error", [error.constructor.name, error.status]);
}
