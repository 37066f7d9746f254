/**
 * Arrays as parameters in PostgreSQL's binary format, which node-postgres sends as they are when they are Buffers. The text
 * format of an array escapes every quote of JSON, on both sides.
 */

const INT4_OID = 23;
const INT8_OID = 20;
const TEXT_OID = 25;
const UUID_OID = 2950;
const FLOAT8_OID = 701;
const HEADER_BYTES = 20;
const EMPTY_BYTES = 12;

const header = (count: number, oid: number, bytes: number): Buffer => {
  const parameter = Buffer.allocUnsafe(count === 0 ? EMPTY_BYTES : HEADER_BYTES + bytes);
  parameter.writeInt32BE(count === 0 ? 0 : 1, 0); // dimensions
  parameter.writeInt32BE(0, 4); // no nulls
  parameter.writeInt32BE(oid, 8);
  if (count > 0) {
    parameter.writeInt32BE(count, 12);
    parameter.writeInt32BE(1, 16); // the first subscript
  }
  return parameter;
};

const fixed = <T>(
  values: readonly T[],
  oid: number,
  size: number,
  write: (parameter: Buffer, value: T, at: number) => void,
): Buffer => {
  const parameter = header(values.length, oid, values.length * (4 + size));
  let at = HEADER_BYTES;
  for (const value of values) {
    parameter.writeInt32BE(size, at);
    write(parameter, value, at + 4);
    at += 4 + size;
  }
  return parameter;
};

/** `$n::integer[]` */
export const integers = (values: readonly number[]): Buffer =>
  fixed(values, INT4_OID, 4, (parameter, value, at) => parameter.writeInt32BE(value, at));

/** `$n::bigint[]`, of safe integers. */
export const bigints = (values: readonly number[]): Buffer =>
  fixed(values, INT8_OID, 8, (parameter, value, at) => parameter.writeBigInt64BE(BigInt(value), at));

/** `$n::double precision[]` */
export const doubles = (values: readonly number[]): Buffer =>
  fixed(values, FLOAT8_OID, 8, (parameter, value, at) => parameter.writeDoubleBE(value, at));

/** `$n::uuid[]`, of 32 hexadecimal digits each. */
export const uuids = (values: readonly string[]): Buffer =>
  fixed(values, UUID_OID, 16, (parameter, value, at) => parameter.write(value, at, 'hex'));

/** `$n::text[]`, of well-formed texts without NUL. */
export const texts = (values: readonly string[]): Buffer => {
  let bytes = 0;
  for (const value of values) bytes += 4 + Buffer.byteLength(value);
  const parameter = header(values.length, TEXT_OID, bytes);
  let at = HEADER_BYTES;
  for (const value of values) {
    const length = parameter.write(value, at + 4);
    parameter.writeInt32BE(length, at);
    at += 4 + length;
  }
  return parameter;
};
