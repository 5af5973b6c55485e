/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The webhook's first thread: answers admission reviews over TLS, probes and metrics over plain HTTP.
 *
 *     POST /mutate /validate /templates     application/json, an AdmissionReview
 *     GET  /healthz   200 while the process works
 *     GET  /readyz    200 when a catalog and a certificate are there and it is not draining
 *     GET  /metrics   Prometheus text
 *
 * On SIGTERM it stops being ready, serves on for the drain time so that nobody who still has its address is refused,
 * then ends. A review that arrives before the first catalog gets 503: the API server's failure policy decides, never
 * a guess of ours.
 */
#ifndef COCOON_WEBHOOK_SERVE_H
#define COCOON_WEBHOOK_SERVE_H

struct err;
struct settings;

/* Runs until a signal ends it. */
int serve(const struct settings *settings, struct err *err) __attribute__((nonnull(1), warn_unused_result));

#endif
