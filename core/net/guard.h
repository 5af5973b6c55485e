/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses that nobody from outside may send us to (server-side request forgery), by what they are for
 * (IANA special-purpose address registries, RFC 6890):
 *
 *     127.0.0.0/8, ::1                          this machine
 *     169.254.0.0/16, fe80::/10                 this link; a cloud's metadata is at 169.254.169.254
 *     0.0.0.0/8, ::                             unspecified: this machine
 *     224.0.0.0/3, ff00::/8                     multicast, reserved, broadcast
 *     168.63.129.16, 100.100.100.200, 192.0.0.192, fd00:ec2::/32, fd20:ce::254
 *                                               metadata and credentials of clouds at addresses that are none of these
 *
 * and an IPv4 address of these inside of an IPv6 one: mapped and compatible (RFC 4291), NAT64 (RFC 6052 and 8215),
 * 6to4 (RFC 3056), Teredo (RFC 4380), ISATAP (RFC 5214). Private networks are not among them: registries live there.
 */
#ifndef COCOON_NET_GUARD_H
#define COCOON_NET_GUARD_H

struct in_addr;
struct in6_addr;
struct sockaddr;

/* "a loopback address", or NULL when there is nothing against it. Families other than IPv4 and IPv6 are not judged. */
const char *guard_address(const struct sockaddr *address) __attribute__((nonnull));
const char *guard_ipv4(const struct in_addr *address) __attribute__((nonnull));
const char *guard_ipv6(const struct in6_addr *address) __attribute__((nonnull));

/* The same for a host as an URL has it, without brackets, where it is an address in any form that resolvers take
 * ("127.1", "0x7f000001") or localhost; NULL also for all other names. */
const char *guard_host(const char *host) __attribute__((nonnull));

#endif
