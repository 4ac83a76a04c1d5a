#!/bin/sh
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The first boot: an institution puts its schedule in force, by the real playbook. What its timers start is the stand-in, which leaves to the real one
# what matters.
export HOME=/root LC_ALL=C.UTF-8 RESPALDO_BITACORA=sqlite:////var/lib/respaldo/bitacora.sqlite
cd /opt/respaldo || exit 1
/opt/ansible/bin/ansible-playbook -i /srv/week/hosts.yml playbooks/schedule.yml -e schedule_command=/srv/week/ansible-playbook > /srv/week/begin.log 2>&1
echo $? > /srv/week/begun
