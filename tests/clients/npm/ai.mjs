// Vercel's `ai` with its providers against a shop: prints what it makes of each answer as lines of JSON.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";

globalThis.AI_SDK_LOG_WARNINGS = false; // they would stand between the lines of JSON
const [base, apiKey, name, provider] = process.argv.slice(2);
const budget = { anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } } };
const thoughts = { google: { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } } };
const summary = { openai: { forceReasoning: true, reasoningEffort: "high", reasoningSummary: "auto" } };
const providers = {
  chat: () => [createOpenAI({ baseURL: `${base}/v1`, apiKey }).chat(name), {}], // it reads no thoughts
  responses: () => [createOpenAI({ baseURL: `${base}/v1`, apiKey })(name), summary],
  anthropic: () => [createAnthropic({ baseURL: `${base}/v1`, apiKey })(name), budget],
  google: () => [createGoogleGenerativeAI({ baseURL: `${base}/v1beta`, apiKey })(name), thoughts],
};
const [model, providerOptions] = providers[provider]();
const say = (name, value) => console.log(JSON.stringify([name, value]));
const asked = { model, prompt: "ping", maxRetries: 0 };
const schema = jsonSchema({
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
});

const whole = await generateText(asked);
say("text", [whole.text, whole.finishReason, whole.usage.outputTokens]);

let streamed = "";
for await (const piece of streamText(asked).textStream) streamed += piece;
say("stream", streamed);

const weather = tool({ inputSchema: schema, execute: ({ city }) => `sunny in ${city}` });
say("tools", (await generateText({ ...asked, tools: { weather }, stopWhen: stepCountIs(3) })).text);

say("structured", (await generateObject({ ...asked, schema })).object);

if (Object.keys(providerOptions).length > 0) {
  const thought = await generateText({ ...asked, providerOptions });
  say("thinking", [thought.reasoningText, thought.text]);
}

try {
  await generateText({ ...asked, prompt: "fail" });
} catch (error) {
  say("error", [error.name, error.statusCode]);
}
