#!/usr/bin/env bash
# setup.sh: the environment of developers and tests, .venv-dev, and all that tests run. No test downloads anything.
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# What tests run for real. They start their own servers, so Debian is asked not to start its own.
needed=(git=git zstd=zstd gpg=gnupg gpgconf=gpgconf xz=xz-utils 7zz=7zip git-lfs=git-lfs ssh=openssh-client sshd=openssh-server
  mariadbd=mariadb-server redis-server=redis pgrep=procps setfacl=acl chromium=chromium pdftotext=poppler-utils
  rclone=rclone restic=restic mkfs.btrfs=btrfs-progs dovecot=dovecot-imapd smbd=samba smbclient=smbclient)
PATH="$PATH:/usr/sbin:/sbin"
if [ "$(id -u)" = 0 ] && [ ! -e /usr/sbin/policy-rc.d ]; then
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  install -m 0755 /dev/stdin /usr/sbin/policy-rc.d <<<$'#!/bin/sh\nexit 101'
fi
need_tools "${needed[@]}"
compgen -G "/usr/lib/postgresql/*/bin/postgres" >/dev/null || need_packages postgresql
# what PDFs are drawn with, and the letters of the reports
[ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || need_packages fonts-dejavu-core
compgen -G "/usr/lib/*/libpangoft2-1.0.so.0" >/dev/null || need_packages libpangoft2-1.0-0
# what a server of another locale is made of
[ -e /usr/share/i18n/locales/es_PE ] || need_packages locales
# azcopy, which comes from its npm package
compgen -G "/usr/lib/*/libsecret-1.so.0" >/dev/null || need_packages libsecret-1-0
need_python
need_environment .venv-dev "$python" requirements.txt requirements-dev.txt
# what the tests of Azure run, Azurite and azcopy, and servers of PostgreSQL 17 and 18
.venv-dev/bin/python tools/downloads.py
