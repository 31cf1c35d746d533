/** Speaking with the server: every address is relative to the page's own, which holds the token. */

import { word } from "./words.js";

const BUSY = 503;
const MOST_TRIES = 8;
const PAUSE_MS = 250;

/** What the server would not do, with its sentence, its status (0: it is away) and its whole answer. */
export class Refusal extends Error {
  constructor(status, answer) {
    super(answer.error ?? word("error.unknown", { status }));
    this.status = status;
    this.answer = answer;
  }
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function reach(address, request) {
  try {
    return await fetch(address, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, { error: word("error.away") });
  }
}

/** The server's answer, asked again where it is too busy. Throws Refusal where it is none of the 200s. */
export async function answerTo(address, request) {
  for (let tries = 1; ; tries += 1) {
    const answer = await reach(address, request);
    if (answer.ok) return answer;
    if (answer.status !== BUSY || tries === MOST_TRIES) {
      throw new Refusal(answer.status, await answer.json().catch(() => ({})));
    }
    await pause(PAUSE_MS * tries);
  }
}

async function ask(method, address, body, signal) {
  const request = { method, signal };
  if (body !== undefined) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(body);
  }
  return (await answerTo(address, request)).json();
}

export const get = (address) => ask("GET", address);
export const post = (address, body = {}, signal = undefined) => ask("POST", address, body, signal);
export const put = (address, body) => ask("PUT", address, body);
export const patch = (address, body) => ask("PATCH", address, body);
export const remove = (address) => ask("DELETE", address);

/** Send one photo's bytes. */
export async function upload(name, bytes) {
  const headers = { "Content-Type": "application/octet-stream" };
  const address = `api/photos?name=${encodeURIComponent(name)}`;
  return (await answerTo(address, { method: "POST", headers, body: bytes })).json();
}
