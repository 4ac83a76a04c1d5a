#!/usr/bin/env bash
# environment.sh DIRECTORY PYTHON REQUIREMENTS...: makes one environment of the test matrix.
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_environment "$@"
