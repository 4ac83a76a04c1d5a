#!/usr/bin/env bash
# Everything that is told by reading: YAML, Ansible content, Python, types, changelog, execution environment, licences, generated documents, and what a
# built collection shows of itself (as docs.ansible.com and Galaxy read it).
# All of it runs, then the exit status says whether anything complained.
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
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

change_list() {
  antsibull-changelog generate --output "$scratch/CHANGELOG.rst"
  diff "$scratch/CHANGELOG.rst" CHANGELOG.rst || { printf '%s\n' "CHANGELOG.rst is written by antsibull-changelog, not by hand: antsibull-changelog generate"; return 1; }
}

check "ansible-lint (production profile, with yamllint)" env NO_COLOR=1 ansible-lint --offline --profile production --strict
check "ruff" ruff check .
check "mypy: engine, modules' tasks, controller, actions, callback" env MYPYPATH=collections mypy
check "mypy: tools" env MYPYPATH=tools mypy tools/*.py
check "vermin: the engine needs no more than Python 3.8" vermin --quiet --no-tips --target=3.8- --violations plugins/module_utils plugins/modules
check "antsibull-changelog" antsibull-changelog lint
check "ansible-builder: execution-environment.yml" ansible-builder create --file execution-environment.yml --context "$scratch/context" --output-filename Containerfile
check "docs/errores.md and the roles' pages are what they are made from" python tools/docs.py --check
check "reuse: whose each file is, under which licence" reuse lint --quiet
check "CHANGELOG.rst is what changelogs/changelog.yaml says" change_list
# Out of git's sight: antsibull-docs looks at what git knows of where it stands.
tree=$scratch/ansible_collections/perucompras/respaldo
mkdir -p "$tree"
ansible-galaxy collection build --output-path "$scratch" >/dev/null || die "the collection can't be built: see above"
artifact=$(compgen -G "$scratch/perucompras-respaldo-*.tar.gz")
tar -xzf "$artifact" -C "$tree"
check "antsibull-docs: modules, plugins, roles and guides as docs.ansible.com shows them" \
  antsibull-docs lint-collection-docs --plugin-docs --check-extra-docs-refs --validate-collection-refs self "$tree"
check "galaxy-importer: what Galaxy says of the artifact" python tools/galaxy_import.py "$artifact"

[ ${#complaints[@]} = 0 ] || die "complained: ${complaints[*]}"
say "Nothing to complain of"
