# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake Azure Resource Manager. It checks requests and its own answers by the official API description; it proves nothing about the real service.

`contracts/` holds what `distil.py` took of that description, `contract.py` checks by it, `server.py` speaks HTTP, and each provider
(`backup.py`, ...) keeps its state in a file of its own.
"""
