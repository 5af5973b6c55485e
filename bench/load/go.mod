// SPDX-License-Identifier: Apache-2.0

module cocoon.dev/bench/load

go 1.26.0
