/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hub and the agent as services of protobuf messages (guest-apis.md, 3 and 4; image-encryption.md, 4.2): tables of
 * methods, which the servers of ttrpc and of gRPC (net/ttrpc_server.h, net/grpc_server.h) serve alike. Statuses and texts
 * are those of the ecosystem's own daemons, which callers compare.
 *
 *     api.SealedSecretService/UnsealSecret       secret → plaintext        "[CDH] [ERROR]: Unseal Secret failed"
 *     api.GetResourceService/GetResource         URI → bytes               "[CDH] [ERROR]: Get Resource failed"
 *     api.SecureMountService/SecureMount                                   "[CDH] [ERROR]: Secure Mount failed"
 *     api.ImagePullService/PullImage             images are pulled by others: not supported
 *     keyprovider.KeyProviderService/UnWrapKey                             "[CDH] [ERROR]: Decrypt Image (UnwrapKey) failed"
 *     attestation_agent.AttestationAgentService/…                          "[ERROR:attestation-agent] …"
 *
 * Callers learn the short text, which holds no secret and no name; the log has the whole reason.
 *
 * As the servers of others do it, fields of a wrong type count as unknown, and the last of a repeated one counts.
 * Threads: any number of calls at once.
 */
#ifndef COCOON_GUEST_SERVICES_H
#define COCOON_GUEST_SERVICES_H

#include "net/grpc_session.h"

#include <stdbool.h>

struct agent;
struct hub;

/* The context of all methods. */
struct services {
	struct hub *hub;
	struct agent *agent;
	bool grpc;      /* some texts of both servers differ */
	bool can_mount; /* this process is root, and so is whoever can call */
	bool frank;     /* the caller is this process: he is told the reasons, in place of the log */
};

/* Packages api and keyprovider: the hub's own socket. */
extern const struct grpc_method services_hub[];
/* Package keyprovider alone. */
extern const struct grpc_method services_keyprovider[];
/* Package attestation_agent. */
extern const struct grpc_method services_agent[];

#endif
