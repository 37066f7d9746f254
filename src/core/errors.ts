/** An error that a caller may see: what was wrong, where, and what to do. Doors map it to a response or an exit status. */
export class EvenkeelError extends Error {
  override readonly name = 'EvenkeelError';
  readonly code: string;
  /** The HTTP status that says it. */
  readonly status: number;
  /** Where in the input, such as `condition.of[2].operator`. */
  readonly path: string | undefined;
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(status: number, code: string, message: string, where: { path?: string; hint?: string } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.path = where.path;
    this.hint = where.hint;
  }
}

type Where = { path?: string; hint?: string };

/** 400: not readable as what it should be (malformed JSON, wrong encoding). */
export const malformed = (message: string, where?: Where): EvenkeelError =>
  new EvenkeelError(400, 'malformed', message, where);

/** 422: readable, but not allowed. */
export const invalid = (message: string, where?: Where): EvenkeelError =>
  new EvenkeelError(422, 'invalid', message, where);

/** 422: part of the contract that this version does not have. */
export const notSupported = (what: string, where?: Where): EvenkeelError =>
  new EvenkeelError(422, 'not_supported', `not supported yet: ${what}`, where);

/** 404. */
export const notFound = (what: string, where?: Where): EvenkeelError =>
  new EvenkeelError(404, 'not_found', `${what} does not exist`, where);

/** 409: the state of things forbids it. */
export const conflict = (message: string, where?: Where): EvenkeelError =>
  new EvenkeelError(409, 'conflict', message, where);

/** 413: more than a named limit. */
export const tooLarge = (message: string, where?: Where): EvenkeelError =>
  new EvenkeelError(413, 'too_large', message, where);
