#!/usr/bin/env bash
# week.sh: the schedule over a week, in a machine of QEMU that systemd starts (tests/week), and ten starts of one job at once. Too long for `make test`.
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
export PATH="$top/.venv-dev/bin:$PATH"

missing=()
command -v qemu-system-x86_64 >/dev/null || missing+=(qemu-system-x86)
command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
need_packages ${missing[@]+"${missing[@]}"}
# -s: every start with its minute, and every entry of one that did not come
RESPALDO_DOUBLE=10 python -m pytest -q -s -p no:cacheprovider tests/week tests/integration/semaphore/test_semaphore_double.py
