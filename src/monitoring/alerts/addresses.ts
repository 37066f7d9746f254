import { BlockList, isIP, isIPv6 } from 'node:net';

/** Not of the internet at large: IANA's special-purpose registries for IPv4 and IPv6. */
const IPV4: readonly [network: string, bits: number][] = [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // behind a carrier's NAT
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local; clouds tell their secrets at 169.254.169.254
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, broadcast
];
const IPV6: readonly [network: string, bits: number][] = [
  ['2001::', 23], // protocols, Teredo among them, which carries an IPv4 address
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4, which carries an IPv4 address
  ['3fff::', 20],
];
const GLOBAL_UNICAST = '2000::';
const GLOBAL_UNICAST_BITS = 3;

const listOf = (networks: readonly [string, number][], family: 'ipv4' | 'ipv6'): BlockList => {
  const list = new BlockList();
  for (const [network, bits] of networks) list.addSubnet(network, bits, family);
  return list;
};
const special4 = listOf(IPV4, 'ipv4');
const special6 = listOf(IPV6, 'ipv6');
const global6 = listOf([[GLOBAL_UNICAST, GLOBAL_UNICAST_BITS]], 'ipv6');

/**
 * Whether an address is one of the internet at large: not private, loopback, link-local, multicast or reserved. Of IPv6 only global unicast
 * is, so that neither IPv4 in disguise (`::ffff:127.0.0.1`, `64:ff9b::7f00:1`) nor what is defined later gets through.
 *
 * @param address as text, without brackets; anything that is no address is not public
 */
export const isPublicAddress = (address: string): boolean => {
  if (isIP(address) === 0) return false;
  if (isIPv6(address)) return global6.check(address, 'ipv6') && !special6.check(address, 'ipv6');
  return !special4.check(address, 'ipv4');
};
