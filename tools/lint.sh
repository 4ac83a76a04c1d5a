#!/usr/bin/env bash
# Everything that is told by reading: YAML, Ansible content, Python, types, changelog, execution environment, generated documents.
# All of it runs, then the exit status says whether anything complained.
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
export PATH="$top/.venv-dev/bin:$PATH"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
complaints=()
check() {
  local title=$1
  shift
  say "$title"
  "$@" || complaints+=("$title;")
}

check "ansible-lint (production profile, with yamllint)" env NO_COLOR=1 ansible-lint --offline --profile production --strict
check "ruff" ruff check .
check "mypy, the engine and the tools" env MYPYPATH=collections mypy
check "vermin: the engine needs no more than Python 3.8" vermin --quiet --no-tips --target=3.8- --violations plugins/module_utils plugins/modules
check "antsibull-changelog" antsibull-changelog lint
check "ansible-builder: execution-environment.yml" ansible-builder create --file execution-environment.yml --context "$scratch/context" --output-filename Containerfile
check "docs/errores.md is what the catalogue says" python tools/docs.py --check

[ ${#complaints[@]} = 0 ] || die "complained: ${complaints[*]}"
say "Nothing to complain of"
