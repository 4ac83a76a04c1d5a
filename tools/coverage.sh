#!/usr/bin/env bash
# coverage.sh: which lines of the engine and of the controller's code the unit and house tests run, in this process alone: what plays, servers and other
# Pythons run is not counted, nor is it what the integration tests are for. Writes .cache/coverage.txt, every file with the lines that no test ran.
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
export PATH="$top/.venv-dev/bin:$PATH"

# beside .venv-dev, which no other target makes anew for this
own=$top/.cache/coverage
if [ "$(cat tests/requirements-coverage.txt)" != "$(cat "$own/stamp" 2>/dev/null)" ]; then
  rm -rf "$own"
  python -m pip install --quiet --target "$own" -r tests/requirements-coverage.txt || die "pip could not install tests/requirements-coverage.txt: see above"
  cp tests/requirements-coverage.txt "$own/stamp"
fi
export PYTHONPATH="$own" COVERAGE_FILE="$top/.cache/coverage.data"
measured=plugins/module_utils/_engine,plugins/plugin_utils
rm -f "$COVERAGE_FILE"
failed=
[ $# -gt 0 ] || set -- tests/unit tests/house
for room in "$@"; do
  python -m coverage run --append --source="$measured" -m pytest -q -p no:cacheprovider "$room" || failed=yes
done
python -m coverage report --show-missing >.cache/coverage.txt
for part in ${measured//,/ }; do
  say "$part: $(python -m coverage report --format=total --precision=1 --include="$part/*") % of its lines"
done
[ -z "$failed" ] || die "a test failed: see above"
