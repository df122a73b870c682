// Reads the fake LLM with the official Node SDK and prints what it saw as JSON.
import OpenAI from 'openai';

const model = process.env.MODEL;
const messages = [{ role: 'user', content: 'three little words' }];
const client = new OpenAI({ maxRetries: 0, timeout: 30_000 });

async function stream(knobs) {
  const texts = [];
  let finish = null;
  let usage = null;
  try {
    const chunks = await client.chat.completions.create({
      model: `${model}?${knobs}`,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of chunks) {
      texts.push(chunk.choices[0]?.delta.content ?? '');
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    return { text: texts.join(''), finish, usage };
  } catch (error) {
    return { text: texts.join(''), finish, raised: error.constructor.name, status: error.status };
  }
}

async function whole() {
  const answer = await client.chat.completions.create({ model, messages });
  return answer.choices[0].message.content;
}

const seen = { models: [], whole: await whole(), streams: {} };
for await (const listed of client.models.list()) seen.models.push(listed.id);
for (const knobs of process.argv.slice(2)) seen.streams[knobs] = await stream(knobs);
console.log(JSON.stringify(seen));
