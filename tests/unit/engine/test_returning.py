# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed restore takes back is what it placed, and nothing else."""

from __future__ import annotations

import os

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.filesystem import descriptors, returning


def test_what_was_exchanged_at_the_last_moment_is_not_removed(tmp_path, monkeypatch):
    """S21's kind: a directory of root that the adversary can rename, and not remove, takes the place between look and rename."""
    scratch, top = tmp_path / "scratch", tmp_path / "top"
    (scratch / "a").mkdir(parents=True)
    (top / "foreign").mkdir(parents=True)
    (top / "foreign" / "acta.txt").write_text("of somebody else")
    held = descriptors.top(str(scratch))
    try:
        work = returning.Placing(held, str(top), "AREA_20261127")
        work.put("a", str(top / "a"))
        look = descriptors.stands

        def exchanged(where, name, known):
            answer = look(where, name, known)
            if (top / "foreign").exists():
                os.rename(top / "a", top / "moved")
                os.rename(top / "foreign", top / "a")
            return answer

        monkeypatch.setattr(descriptors, "stands", exchanged)
        work.undo()
    finally:
        os.close(held)
    assert (top / "a" / "acta.txt").read_text() == "of somebody else" and os.listdir(scratch) == []
