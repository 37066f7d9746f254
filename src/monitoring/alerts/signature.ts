import { createHmac } from 'node:crypto';

export const SIGNATURE_HEADER = 'evenkeel-signature';

/**
 * `t=SECONDS,v1=HEX`: HMAC-SHA256 over the time, a dot and the body as it is sent. A receiver computes the same, compares in constant time,
 * and refuses times that are minutes away, so that what somebody has seen once cannot be sent again later.
 */
export const signatureOf = (secret: string, body: string, atMs: number): string => {
  const seconds = Math.floor(atMs / 1000);
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
};
