#!/usr/bin/env bash
# worst_day.sh: the worst day on an empty container (tests/worst_day), by a custodian and by a private key. Too long for `make test`.
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
export PATH="$top/.venv-dev/bin:$PATH"

# -s: every line that was typed, with its seconds
python -m pytest -q -s -p no:cacheprovider tests/worst_day
