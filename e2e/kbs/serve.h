/* SPDX-License-Identifier: Apache-2.0 */
/* The broker behind a server: opens everything, serves until SIGTERM or SIGINT. */
#ifndef COCOON_E2E_KBS_SERVE_H
#define COCOON_E2E_KBS_SERVE_H

struct err;
struct settings;

int broker_run(const struct settings *settings, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
