// The npm package `@google/genai` against a shop: prints what it makes of each answer as lines of JSON.
import { GoogleGenAI } from "@google/genai";

const [base, apiKey, model] = process.argv.slice(2);
const { models } = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: base } });
const say = (name, value) => console.log(JSON.stringify([name, value]));
const asked = { model, contents: [{ role: "user", parts: [{ text: "ping" }] }] };
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

const whole = await models.generateContent(asked);
say("text", [whole.text, whole.candidates[0].finishReason, whole.usageMetadata.candidatesTokenCount]);

let streamed = "";
for await (const chunk of await models.generateContentStream(asked)) streamed += chunk.text ?? "";
say("stream", streamed);

const config = { tools: [{ functionDeclarations: [{ name: "weather", parametersJsonSchema: schema }] }] };
const wanted = await models.generateContent({ ...asked, config });
const [call] = wanted.functionCalls;
const output = { output: `sunny in ${call.args.city}` };
const result = { role: "user", parts: [{ functionResponse: { id: call.id, name: call.name, response: output } }] };
const contents = [...asked.contents, wanted.candidates[0].content, result];
say("tools", (await models.generateContent({ ...asked, contents, config })).text);

const format = { responseMimeType: "application/json", responseJsonSchema: schema };
say("structured", JSON.parse((await models.generateContent({ ...asked, config: format })).text));

const thinking = { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } };
const { parts } = (await models.generateContent({ ...asked, config: thinking })).candidates[0].content;
say("thinking", [parts.find((part) => part.thought).text, parts.find((part) => !part.thought).text]);

try {
  await models.generateContent({ model, contents: "fail" });
} catch (error) {
  say("error", [error.name, error.status]);
}
