# Thin on purpose: each target calls one script of tools/. `make help` lists them.
# What is given after a target (make backup REASON="..." BACKUP_GIT=...) reaches the script as environment: make sees to it.
.DEFAULT_GOAL := help
.PHONY: help backup inventario programa test test-fast week month worst-day coverage lint sanity docs lab lab-down setup clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

backup: ## copy what is due on this machine and show its lines in the bitácora (REASON="..." copies now, as an emergency)
	@tools/backup.sh

inventario: ## ask some ten questions and write an inventory of the institution's own (OPCIONES="..." answers them: respaldo nuevo --help)
	@tools/inventory.sh

programa: ## write what an empty machine installs this program from without a network, for the kit of the worst day (DESTINO=/var/lib/respaldo/programa)
	@tools/program.sh

setup: ## make .venv-dev, the environment of developers and tests
	@tools/setup.sh

test: setup ## run every test; the summary comes last
	@.venv-dev/bin/python tools/test.py

test-fast: setup ## but the slow ones: unit, callback on one ansible-core, house; 90 seconds
	@.venv-dev/bin/python tools/test.py --fast

week: setup ## a week of the schedule in a machine that systemd starts, by its own clock, and ten starts at once; some ten minutes, needs qemu-system-x86
	@tools/week.sh

month: setup ## a newcomer's month on real servers, each row as the guide types it, and a fresh machine's first encrypted copy, timed; some ten minutes
	@tools/month.sh

worst-day: setup ## the worst day on an empty container of Debian, by a custodian and by a private key; some minutes, needs podman and mmdebstrap
	@tools/worst_day.sh

coverage: setup ## which lines of the engine and the controller's code the unit and house tests run; the others by file in .cache/coverage.txt
	@tools/coverage.sh

lint: setup ## style, types, minimum Python, change list, licences, generated documents, the artifact as docs.ansible.com and Galaxy read it
	@tools/lint.sh

sanity: setup ## ansible-test sanity on the built collection
	@tools/sanity.sh

docs: setup ## write the generated documents again
	@.venv-dev/bin/python tools/docs.py

lab: setup ## start the lab's servers
	@PATH="$(CURDIR)/.venv-dev/bin:$$PATH" tools/lab up

lab-down: setup ## stop and remove them
	@PATH="$(CURDIR)/.venv-dev/bin:$$PATH" tools/lab down

clean: ## remove what the targets above made, but never copies or the bitácora
	rm -rf .venv .venv-dev .cache build tests/output .ansible
