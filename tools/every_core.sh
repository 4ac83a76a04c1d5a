#!/usr/bin/env bash
# The hostile runs and the planted secrets (tests/integration/verdicts) on each ansible-core that `make test` made an environment of.
# Not part of `make test`, which runs them on one: a quarter of an hour a core. An argument names the only one wanted (tools/every_core.sh 2.21).
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

export PATH="$top/.venv-dev/bin:$PATH"
unset PYTHONUNBUFFERED
status=0
found=0
for environment in "$top"/.cache/core-*; do
  core=${environment##*core-}
  [ -x "$environment/bin/ansible-playbook" ] || continue
  [ "${1:-$core}" = "$core" ] || continue
  found=1
  say "ansible-core $core"
  RESPALDO_TEST_ANSIBLE_PLAYBOOK=$environment/bin/ansible-playbook python -m pytest -q -p no:cacheprovider tests/integration/verdicts || status=$?
done
if [ "$found" = 0 ]; then
  echo "no environment of ansible-core ${1:-} is in .cache: make test makes them (python tools/test.py --only callback)" >&2
  exit 1
fi
exit "$status"
