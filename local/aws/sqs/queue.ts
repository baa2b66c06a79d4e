import { createHash, randomUUID } from "node:crypto";
import { isObject } from "../input.ts";
import { AwsError } from "../service.ts";

export interface Message {
  readonly id: string;
  readonly body: string;
  /** Message attributes, by name. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly sentAtMs: number;
  /** Hidden until then, because somebody received it. */
  visibleAtMs: number;
  receives: number;
  receipt?: string;
  /** Of the queue from which it came here because nobody deleted it there. */
  readonly from?: string;
}

/** The attributes of a queue that this cloud does something with; the template's names are the same. */
export interface QueueSettings {
  readonly retentionMs: number;
  readonly visibilityMs: number;
  readonly encrypted: boolean;
  readonly redrive?: { readonly deadLetterTargetArn: string; readonly maxReceiveCount: number };
}

const day = 86_400;
const messagesMax = 10_000;
const bodyBytesMax = 1_048_576;

/** Throws for an attribute that this cloud does not know: what is silently ignored would be seen on AWS only. */
export function settingsOf(given: Readonly<Record<string, unknown>>): QueueSettings {
  const { MessageRetentionPeriod, VisibilityTimeout, SqsManagedSseEnabled, RedrivePolicy, ...others } = given;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new AwsError("InvalidAttributeName", `the local cloud's queues do not know ${unknown}`);
  const redrive = redriveOf(RedrivePolicy);
  return {
    retentionMs: secondsIn(MessageRetentionPeriod, { fallback: 4 * day, min: 60, max: 14 * day }),
    visibilityMs: secondsIn(VisibilityTimeout, { fallback: 30, min: 0, max: day / 2 }),
    encrypted: String(SqsManagedSseEnabled ?? true) === "true",
    ...(redrive && { redrive }),
  };
}

/** In milliseconds. */
export function secondsIn(
  given: unknown,
  { fallback, min, max }: { readonly fallback: number; readonly min: number; readonly max: number },
): number {
  const seconds = given === undefined ? fallback : Number(given);
  if (!Number.isInteger(seconds) || seconds < min || seconds > max)
    throw new AwsError("InvalidAttributeValue", `${String(given)} is not between ${min} and ${max} seconds`);
  return seconds * 1_000;
}

/** A template gives an object, the API its JSON. */
function redriveOf(given: unknown): QueueSettings["redrive"] {
  if (given === undefined) return undefined;
  const { deadLetterTargetArn, maxReceiveCount } = (
    isObject(given) ? given : JSON.parse(String(given))
  ) as Record<string, unknown>;
  const count = Number(maxReceiveCount);
  if (typeof deadLetterTargetArn !== "string" || !Number.isInteger(count) || count < 1 || count > 1_000)
    throw new AwsError("InvalidAttributeValue", "RedrivePolicy names a queue and a count from 1 to 1000");
  return { deadLetterTargetArn, maxReceiveCount: count };
}

/** One standard queue: at least once, in no promised order. */
export class Queue {
  readonly arn: string;
  readonly url: string;
  settings: QueueSettings;
  #messages: Message[] = [];

  constructor({ arn, url, settings }: Pick<Queue, "arn" | "url" | "settings">) {
    this.arn = arn;
    this.url = url;
    this.settings = settings;
  }

  send(
    body: string,
    { attributes = {}, nowMs, from }: { attributes?: Message["attributes"]; nowMs: number; from?: string },
  ): Message {
    if (body === "")
      throw new AwsError("MissingParameter", "The request must contain the parameter MessageBody.");
    if (Buffer.byteLength(body) > bodyBytesMax)
      throw new AwsError(
        "InvalidParameterValue",
        `One or more parameters are invalid. Reason: Message must be shorter than ${bodyBytesMax} bytes.`,
      );
    const message: Message = {
      ...{ id: randomUUID(), body, attributes, sentAtMs: nowMs, visibleAtMs: nowMs, receives: 0 },
      ...(from !== undefined && { from }),
    };
    this.#messages.push(message);
    if (this.#messages.length > messagesMax) this.#messages.shift();
    return message;
  }

  counts(nowMs: number): { readonly visible: number; readonly hidden: number } {
    const kept = this.#kept(nowMs);
    const visible = kept.filter(({ visibleAtMs }) => visibleAtMs <= nowMs).length;
    return { visible, hidden: kept.length - visible };
  }

  /** Takes up to `max`, oldest first, and hides them; `onSpent` gets those that were received too often. */
  receive(
    {
      max,
      visibilityMs,
      nowMs,
    }: { readonly max: number; readonly visibilityMs: number; readonly nowMs: number },
    onSpent: (message: Message, targetArn: string) => void,
  ): readonly Message[] {
    const { redrive } = this.settings;
    const taken: Message[] = [];
    for (const message of this.#kept(nowMs)) {
      if (taken.length >= max) break;
      if (message.visibleAtMs > nowMs) continue;
      if (redrive !== undefined && message.receives >= redrive.maxReceiveCount) {
        this.#drop(message);
        onSpent(message, redrive.deadLetterTargetArn);
        continue;
      }
      message.receives += 1;
      message.visibleAtMs = nowMs + visibilityMs;
      message.receipt = randomUUID();
      taken.push(message);
    }
    return taken;
  }

  /** By the handle of the last receive. An older one deletes nothing, and is not refused. */
  delete(receipt: string): void {
    const found = this.#messages.find((message) => message.receipt === receipt);
    if (found !== undefined) this.#drop(found);
  }

  hide(receipt: string, untilMs: number): void {
    const found = this.#messages.find((message) => message.receipt === receipt);
    if (found === undefined)
      throw new AwsError("ReceiptHandleIsInvalid", "The input receipt handle is invalid.");
    found.visibleAtMs = untilMs;
  }

  /** Takes out all that nobody works on. */
  drain(nowMs: number): readonly Message[] {
    const visible = this.#kept(nowMs).filter(({ visibleAtMs }) => visibleAtMs <= nowMs);
    for (const message of visible) this.#drop(message);
    return visible;
  }

  #kept(nowMs: number): readonly Message[] {
    this.#messages = this.#messages.filter(({ sentAtMs }) => nowMs - sentAtMs < this.settings.retentionMs);
    return this.#messages;
  }

  #drop(message: Message): void {
    this.#messages = this.#messages.filter((each) => each !== message);
  }
}

export const md5 = (text: string) => createHash("md5").update(text).digest("hex");
