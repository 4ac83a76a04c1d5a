#!/usr/bin/env bash
# make backup: from a fresh machine to a verified copy and its line in the bitácora.
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

need_tools git=git zstd=zstd gpg=gnupg
need_python
need_environment .venv "$python" requirements.lock
export PATH="$top/.venv/bin:$PATH"

extra=()
if [ -n "${REASON:-}" ]; then
  # JSON keeps spaces and quotes of the reason whole
  extra=(-e "$(REASON=$REASON python -c 'import json, os; print(json.dumps({"backup_emergency_reason": os.environ["REASON"]}))')")
fi

say "Copying what is due (playbooks/site.yml)"
status=0
ansible-playbook playbooks/site.yml -i inventories/local "${extra[@]}" || status=$?
say "The bitácora (playbooks/bitacora.yml)"
ansible-playbook playbooks/bitacora.yml -i inventories/local || status=$((status ? status : $?))
exit "$status"
