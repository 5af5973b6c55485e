/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the daemon can be reached: sockets of ttrpc, gRPC on loopback, REST on loopback. Each face is a loop in a thread
 * of its own; calls of ttrpc and REST are answered by workers, of the agent or of the hub, those of a gRPC face one after
 * the other.
 *
 *     face                       serves                         others know it as
 *     FACE_AGENT                 package attestation_agent      …/attestation-agent/attestation-agent.sock
 *     FACE_HUB                   packages api and keyprovider   …/cdh.sock
 *     FACE_REST                  guest/rest.h                   127.0.0.1:8006
 *     FACE_AGENT_GRPC            as FACE_AGENT                  127.0.0.1:50002
 *     FACE_HUB_GRPC              as FACE_HUB                    127.0.0.1:50000
 *     FACE_KEYPROVIDER_GRPC      package keyprovider            127.0.0.1:48888
 *
 * Sockets are made when faces are opened, so that it can be done with other rights than serving; what they serve may
 * come until faces_run().
 *
 * Bounds: those of the servers; FACES_CONNECTIONS of REST. Errors: ERR_USAGE (addresses: TCP must be loopback's),
 * ERR_CONFLICT, ERR_IO.
 */
#ifndef COCOON_GUEST_FACES_H
#define COCOON_GUEST_FACES_H

#include "guest/rest.h"
#include "guest/services.h"

#include <sys/types.h>

struct err;
struct faces;
struct identity;
struct workers;

#define FACES_CONNECTIONS 256

enum face_kind {
	FACE_AGENT,
	FACE_HUB,
	FACE_REST,
	FACE_AGENT_GRPC,
	FACE_HUB_GRPC,
	FACE_KEYPROVIDER_GRPC,
	FACES
};

struct faces_options {
	const char *addresses[FACES]; /* NULL: not served */
	mode_t mode;                  /* of unix sockets */
	const struct identity *owner; /* of unix sockets */
	struct workers *agent_workers, *hub_workers;
	/* borrowed, and looked at from faces_run() on */
	struct services *ttrpc;
	struct services *grpc;
	struct rest *rest; /* with workers of its own choice */
};

int faces_open(const struct faces_options *options, struct faces **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void faces_free(struct faces *faces);
static inline void faces_release(struct faces **slot)
{
	faces_free(*slot);
}
#define auto_faces __attribute__((cleanup(faces_release)))

/* Serves until stop_fd can be read, or a face fails: then all end, and the first failure is the result. */
int faces_run(struct faces *faces, int stop_fd, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
