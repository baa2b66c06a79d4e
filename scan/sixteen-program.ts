import { byteCount } from "./eight-groups.ts";

const textMax = 65_536;
/** The last places of a text are compared with what stands behind it. */
const margin = 16;
const headsAt = byteCount * 32;
const headCount = 4_096;
const textAt = headsAt + headCount;
const foundAt = textAt + textMax + margin;
const [placeLength, headFactor, headShift] = [4, 0x1e3779b1, 20];
/** Where what stands in the program's memory, in bytes, and how a head's number is made. */
export const layout = {
  ...{ textMax, margin, headsAt, headCount, textAt, foundAt },
  ...{ placeLength, headFactor, headShift },
} as const;

const pageLength = 65_536;
const pages = Math.ceil((foundAt + (textMax + margin) * placeLength) / pageLength);

type Code = readonly number[];

const [from, to, out, fits, place, bytes, firstTable] = [0, 1, 2, 3, 4, 5, 6];
const get = (local: number): Code => [0x20, local];
const set = (local: number): Code => [0x21, local];
const tee = (local: number): Code => [0x22, local];
const number = (value: number): Code => [0x41, ...signed(value)];
const add = [0x6a];
const subtract = [0x6b];
const multiply = [0x6c];
const and = [0x71];
const shift = [0x76];
const countZeros = [0x68];
const isLess = [0x49];
const loadNumber = [0x28, 0, 0];
const loadByte = (offset: number): Code => [0x2d, 0, ...unsigned(offset)];
const store = [0x36, 2, 0];
const loop = [0x03, 0x40];
const when = [0x04, 0x40];
const end = [0x0b];
const repeatIf = [0x0d, 0];
const ofSixteen = (code: number, ...rest: Code): Code => [0xfd, code, ...rest];
const loadSixteen = (offset: number): Code => ofSixteen(0x00, 0, offset);
const everyByte = (value: number): Code => [...number(value), ...ofSixteen(0x0f)];
const lookUp = ofSixteen(0x0e);
const both = ofSixteen(0x4e);
const shiftBytes = ofSixteen(0x6d);
const differ = ofSixteen(0x24);
const topBits = ofSixteen(0x64);

/** Which of the sixteen places from `from` on fit a group with their byte number `index`. */
function fitting(index: number): Code {
  const [low, high] = [firstTable + index * 2, firstTable + index * 2 + 1];
  return [
    ...[get(from), loadSixteen(index), set(bytes)],
    ...[get(low), get(bytes), everyByte(15), both, lookUp],
    ...[get(high), get(bytes), number(4), shiftBytes, lookUp],
    both,
  ].flat();
}

/** Writes the lowest place of `fits`, keeps it if its head is looked for, and takes it out of `fits`. */
const keepLowest: Code = [
  ...[get(from), get(fits), countZeros, add, set(place)],
  ...[get(out), get(place), number(textAt), subtract, store],
  ...[get(out), get(place), loadNumber, number(0xffffff), and, number(headFactor), multiply],
  ...[number(headShift), shift, loadByte(headsAt), add, set(out)],
  ...[get(fits), get(fits), number(1), subtract, and, tee(fits)],
].flat();

/** WebAssembly with its `memory` and `search(from, to)`, which gives the end of the places that it wrote. */
export function program(): Uint8Array<ArrayBuffer> {
  const tables = Array.from({ length: byteCount * 2 }, (_, index) => firstTable + index);
  const locals = [2, 3, 0x7f, 1 + tables.length, 0x7b];
  const body = [
    ...tables.flatMap((table, index) => [number(0), loadSixteen(index * 16), set(table)]),
    ...[number(foundAt), set(out), loop],
    ...Array.from({ length: byteCount }, (_, index) => [fitting(index), index === 0 ? [] : both]).flat(),
    ...[everyByte(0), differ, topBits, tee(fits), when, loop, keepLowest, repeatIf, end, end],
    ...[get(from), number(16), add, tee(from), get(to), isLess, repeatIf, end],
    ...[get(out), end],
  ].flat();
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, ...sized([1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f])],
    ...[3, ...sized([1, 0])],
    ...[5, ...sized([1, 0, pages])],
    ...[7, ...sized([2, ...named("memory"), 2, 0, ...named("search"), 0, 0])],
    ...[10, ...sized([1, ...sized([...locals, ...body])])],
  ]);
}

function named(name: string): Code {
  return sized([...Buffer.from(name)]);
}

function sized(content: Code): Code {
  return [...unsigned(content.length), ...content];
}

function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** The highest bit of the last byte is the sign, and no number here has one. */
function signed(value: number): Code {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)];
}
