# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is plain Python is imported as plain Python, so that its tests need no Ansible: `import _engine.label` as a server
would, and `from plugins.plugin_utils._decisions import due` for the controller's part."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / "plugins" / "module_utils"), str(_ROOT)]
