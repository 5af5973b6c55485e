#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A job of CI: the Secrets in DEPLOY (a folder of manifests) are sealed in place, everything is checked, and the secrets
# go to the key broker. What is sealed already stays as it is, so that the job can run on every commit.
#
#     SIGNING_KEY  file: the private key that signs            KBS        the key broker's URL
#     PUBLIC_KEY   file: its public half                       ADMIN_KEY  file: the broker's administrator's key
#
# The keys come as files, which CI systems call "file variables" or "secret files". Nothing secret is in the log.
set -eu
: "${DEPLOY:?}" "${SIGNING_KEY:?}" "${PUBLIC_KEY:?}" "${KBS:?}" "${ADMIN_KEY:?}"

plan=$(mktemp -d)
trap 'rm -rf "$plan"' EXIT

sealed-secrets convert --in-place "$DEPLOY"/*.yaml --key "$SIGNING_KEY" --plan "$plan/plan" --output json
sealed-secrets lint "$DEPLOY"/*.yaml --key "$PUBLIC_KEY" --output json
if [ -e "$plan/plan" ]; then
	# a runner may be a pod, of another cluster than the one whose workloads are protected
	sealed-secrets provision "$plan/plan" --kbs "$KBS" --auth-private-key "$ADMIN_KEY" --other-cluster --output json
fi
