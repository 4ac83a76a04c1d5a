# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An execution node of AWX, as much of it as can be had here: ansible-runner unmodified, Podman, our image, AWX's environment and extra variables.

The containers have no network. They reach PostgreSQL by its socket, in a directory that is shown to them like the other places that stay.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, NamedTuple

import ansible_runner
import yaml
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = ROOT / ".cache/lab/containers.conf"
# What AWX 24.6 sets for a job: main/tasks/jobs.py; ansible-runner adds its own.
AWX = {
    "ANSIBLE_FORCE_COLOR": "True", "ANSIBLE_HOST_KEY_CHECKING": "False", "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True", "ANSIBLE_RETRY_FILES_ENABLED": "False",
    "ANSIBLE_COLLECTIONS_PATH": "/runner/requirements_collections:~/.ansible/collections:/usr/share/ansible/collections",
    "ANSIBLE_ROLES_PATH": "/runner/requirements_roles:~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles",
    "ANSIBLE_SSH_CONTROL_PATH_DIR": "/runner/cp", "AWX_HOST": "https://awx.entidad.gob.pe", "AWX_PRIVATE_DATA_DIR": "/runner", "JOB_ID": "42",
    "INVENTORY_ID": "3", "PROJECT_REVISION": "0" * 40, "MAX_EVENT_RES": "700000",
}
BY_SCHEDULE = {"awx_job_id": 42, "awx_job_launch_type": "scheduled", "awx_job_template_id": 7, "awx_job_template_name": "Copias de respaldo",
               "awx_schedule_id": 5, "awx_schedule_name": "Copias de la noche", "awx_inventory_id": 3, "awx_inventory_name": "Producción"}
BY_HAND = {"awx_job_id": 43, "awx_job_launch_type": "manual", "awx_job_template_name": "Copias de respaldo", "awx_user_id": 2, "awx_user_name": "anunez",
           "awx_user_first_name": "Ana", "awx_user_last_name": "Núñez"}
# A number that no passwd knows, in group 0: what OpenShift gives.
STRANGER = 1000660000


class Ran(NamedTuple):
    status: str
    rc: int
    said: str


class House:
    """What an institution has: a database, a medium, a place that stays, a bitácora in PostgreSQL, and a project."""

    def __init__(self, top: Path, image: str, server: Any, database: str) -> None:
        self.top, self.image, self.server, self.database = top, image, server, database
        self.data, self.medium, self.stays = (top / name for name in ("datos", "copias", "queda"))
        for made in (self.data, self.medium, self.stays):
            made.mkdir(mode=0o700)
        with sqlite3.connect(self.data / "siga.sqlite") as siga:
            siga.executescript("CREATE TABLE expediente (n INTEGER); INSERT INTO expediente VALUES (1), (2);")
        self.project = top / "proyecto"
        self.project.mkdir()
        (self.project / "copias.yml").write_text("---\n- ansible.builtin.import_playbook: perucompras.respaldo.database\n")
        (self.project / "informe.yml").write_text("---\n- ansible.builtin.import_playbook: perucompras.respaldo.report\n")
        self.declare({"type": "sqlite", "path": "/srv/datos/siga.sqlite"})

    def declare(self, source: dict[str, Any]) -> None:
        system = {"name": "SIGA", "kind": "database", "criticality": "baja", "office": "OTI", "source": source, "hooks": {
            when: [{"argv": ["/bin/sh", "-c", "echo $RESPALDO_HOOK $RESPALDO_RESULT >>/srv/datos/comandos"], "on": "controller", "name": when}]
            for when in ("before", "after")}}
        here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}", "common_install_tools": False,
                "backup_systems": [system], "backup_media": [{"name": "disco", "path": "/srv/copias"}]}
        (self.top / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"controlador": here}}}, allow_unicode=True))

    def declare_slow(self) -> None:
        """A database whose tool goes on when `sigue` is there, and says by `empezo` that it began."""
        waiting = "echo datos; : >/srv/datos/empezo; while [ ! -e /srv/datos/sigue ]; do sleep 0.1; done; echo fin"
        self.declare({"type": "command", "dump": ["/bin/sh", "-c", waiting], "verify": ["/bin/grep", "-q", "fin"],
                      "restore": ["/bin/cat"]})

    def own(self, uid: int) -> None:
        """All that stays belongs to the account of the containers."""
        for made in (self.data, self.medium, self.stays, *self.data.iterdir()):
            os.chown(made, uid, 0)

    @property
    def url(self) -> str:
        return f"postgresql://respaldo_writer@/{self.database}?host=/run/bitacora&port={self.server.port}"

    def mounts(self, stays: bool = True) -> list[str]:
        kept = [f"{self.stays}:/var/lib/respaldo:Z"] if stays else []
        return [f"{self.server.directory}:/run/bitacora", f"{self.data}:/srv/datos:Z", f"{self.medium}:/srv/copias:Z", *kept]

    def _job(self, told: dict[str, Any], environment: dict[str, str]) -> Path:
        """What AWX makes for one job and removes after it: its own directory with the project, environment and variables."""
        job = Path(subprocess.check_output(["mktemp", "-d", str(self.top / "trabajo.XXXXXX")], text=True).strip())
        shutil.copytree(self.project, job / "project")
        for name in ("env", "inventory"):
            (job / name).mkdir()
        shutil.copy(self.top / "hosts.yml", job / "inventory")
        (job / "env/envvars").write_text(json.dumps({**AWX, "RESPALDO_BITACORA": self.url, **environment}))
        (job / "env/extravars").write_text(json.dumps(told))
        return job

    def run(self, told: dict[str, Any], stays: bool = True, until: Callable[[], bool] | None = None, playbook: str = "copias.yml", **environment: str) -> Ran:
        """A job on an execution node, as root in the container and with a project that can't be written. `until`: when somebody cancels it."""
        job = self._job(told, environment)
        result = ansible_runner.run(
            private_data_dir=str(job), playbook=playbook, quiet=True, process_isolation=True,
            process_isolation_executable="podman", container_image=self.image, container_options=["--user=root", "--network=none"],
            container_volume_mounts=[*self.mounts(stays), f"{job}/project:/runner/project:ro"], cancel_callback=until or (lambda: False))
        said = result.stdout.read()
        shutil.rmtree(job)
        return Ran(result.status, result.rc, said)

    def stream(self, told: dict[str, Any], uid: int, **environment: str) -> Ran:
        """A job in a container group, as in OpenShift: sent to `ansible-runner worker` in the container, under a number that has no name there."""
        job = self._job(told, environment)
        runner = str(Path(sys.executable).with_name("ansible-runner"))
        sent = subprocess.run([runner, "transmit", str(job), "-p", "copias.yml"], capture_output=True, check=True)
        worked = subprocess.run(
            ["podman", "run", "--rm", "--interactive", "--network=none", f"--user={uid}:0", "--passwd=false", "--tmpfs=/tmp:mode=1777",
             *(word for mount in self.mounts() for word in ("-v", mount)), self.image, "ansible-runner", "worker", "--private-data-dir=/runner"],
            input=sent.stdout, capture_output=True, check=False)
        heard = subprocess.run([runner, "process", str(job / "oido")], input=worked.stdout, capture_output=True, check=False)
        ended = [int(path.read_text()) for path in job.glob("oido/artifacts/**/rc")]
        shutil.rmtree(job)
        return Ran("", ended[0] if ended else -1, (heard.stdout + heard.stderr + worked.stderr).decode("utf-8", "replace"))

    # -- what came of it ----------------------------------------------------------------------------------------------

    def entries(self, *types: str) -> list[dict[str, Any]]:
        with open_store(self.server.url(self.database), readonly=True) as store:
            return [entry for entry in store.entries() if not types or entry["type"] in types]

    def whole(self) -> bool:
        with open_store(self.server.url(self.database), readonly=True) as store:
            return bool(store.verify().whole)

    def commands(self) -> list[str]:
        """What was run on the controller before and after copies."""
        return (self.data / "comandos").read_text("utf-8").splitlines()

    def labels(self) -> list[str]:
        return sorted(path.name for path in self.medium.glob("*/*/[!.]*"))

    def kept(self) -> dict[str, str]:
        """The files of the place that stays, with their modes."""
        return {str(path.relative_to(self.stays)): oct(stat.S_IMODE(path.stat().st_mode)) for path in self.stays.rglob("*") if path.is_file()}
