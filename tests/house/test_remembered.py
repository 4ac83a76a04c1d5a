# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests' Pythons remember changes nothing of what runs: same code, same imports found, other text other code."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from ansible.config.manager import ConfigManager
from ansible.executor.module_common import ModuleDepFinder

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/remembered"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The module, loaded beside the others, with a store of its own; it hooks in twice, which the test takes back."""
    import gc
    import zipimport

    between = gc.get_threshold()

    monkeypatch.setattr(zipimport, "_compile_source", zipimport._compile_source)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    specification = importlib.util.spec_from_file_location("remembered_here", HERE / "sitecustomize.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.STORE = str(tmp_path / "store")
    gc.set_threshold(*between)
    return module


def found(tree, name):
    finder = ModuleDepFinder(name, tree)
    return finder.submodules, finder.optional_imports


def test_ansible_finds_the_same_imports_in_what_is_remembered(own):
    import ansible.module_utils

    files = [path for room in (ROOT / "plugins/modules", ROOT / "plugins/module_utils", Path(ansible.module_utils.__file__).parent)
             for path in room.rglob("*.py")]
    assert len(files) > 150
    optional = 0
    for path in files:
        source, name = path.read_text("utf-8"), "ansible_collections.perucompras.respaldo.plugins.module_utils.x.y"
        tree = ast.parse(source)
        for _each in range(2):      # made, and remembered
            assert found(own.parse_for_imports(source, str(path), "exec", ast.PyCF_ONLY_AST), name) == found(tree, name), path
        optional += bool(found(tree, name)[1])
    assert optional and own.imports_of("METADATA = 'x'\nimport os\n") is None


def test_code_is_of_its_own_text_and_of_the_file_it_stands_for(own):
    for text, wanted in (("a = 1\ndef f():\n    return 1\n", 1), ("a = 1\ndef f():\n    return 2\n", 2), ("a = 1\ndef f():\n    return 1\n", 1)):
        for name in ("/one.zip/x.py", "/two.zip/x.py"):
            told = {}
            exec(own.compile_of_a_collection(source=text, filename=name, mode="exec", flags=0, dont_inherit=True), told)
            assert told["f"]() == wanted and told["f"].__code__.co_filename == name
    assert len(os.listdir(own.STORE)) == 2


def test_what_can_t_be_read_or_kept_is_made(own, tmp_path):
    text = "a = 1\n"
    own.code_of(text.encode(), "x.py", lambda: compile(text, "x.py", "exec"))
    kept, = Path(own.STORE).iterdir()
    for damaged in (b"", kept.read_bytes()[:20]):
        kept.write_bytes(damaged)
        assert own.code_of(text.encode(), "x.py", lambda: compile(text, "x.py", "exec")).co_names == ("a",)
    (tmp_path / "a file").touch()
    own.STORE = str(tmp_path / "a file")
    assert own.remembered("x", b"x", lambda: 3) == 3 and own.remembered("x", b"y", lambda: object) is object


def test_what_each_python_reads_first_is_compiled_already():
    """Also where the machine tells Pythons to keep no bytecode."""
    done = subprocess.run([sys.executable, "-B", "-v", "-c", ""], env={**os.environ, "PYTHONPATH": str(HERE)}, capture_output=True, text=True, check=True)
    kept = importlib.util.cache_from_source(str(HERE / "sitecustomize.py"))
    assert f"code object from '{kept}'" in done.stderr


def test_configuration_is_the_same(own):
    import ansible.config.manager as manager

    path = Path(manager.__file__).with_name("base.yml")
    load = own.yaml_of("configuration", manager.yaml_load)
    for _each in range(2):
        with path.open("rb") as stream:
            assert load(stream) == ConfigManager()._read_config_yaml_file(str(path))


def test_an_archive_s_module_runs_and_tells_its_own_place(tmp_path):
    archive = tmp_path / "it.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("inside.py", "import traceback\r\ndef told():\r\n    return traceback.extract_stack()[-1].filename\r\n")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import inside; print(inside.told()); import sitecustomize; print(sitecustomize.__file__)"
    for _each in range(2):
        done = subprocess.run([sys.executable, "-c", code, str(archive)], env={**os.environ, "PYTHONPATH": str(HERE)}, capture_output=True, text=True,
                              check=True)
        assert done.stdout.splitlines() == [str(archive / "inside.py"), str(HERE / "sitecustomize.py")]


PACK = """
import base64, io, json, re, sys, zipfile
from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar
init_plugin_loader()
name = "perucompras.respaldo.bitacora_of_tests"
path = module_loader.find_plugin_with_context(name).plugin_resolved_path
data = modify_module(
    module_name=name, module_path=path, module_args={}, templar=Templar(loader=DataLoader()), module_compression="ZIP_DEFLATED",
    task_vars={"ansible_python_interpreter": sys.executable}).b_module_data
packed = zipfile.ZipFile(io.BytesIO(base64.b64decode(max(re.findall(rb"[A-Za-z0-9+/=]{1000,}", data), key=len))))
print(json.dumps({each: packed.read(each).decode() for each in packed.namelist()}))
"""


def test_what_ansible_packs_is_what_it_would_pack_whatever_was_packed_before(tmp_path):
    """A module of a collection with one file beside it: packed, packed again, then with another text of either."""
    tests, plugins = tmp_path / "tests/remembered", tmp_path / "ansible_collections/perucompras/respaldo/plugins"
    for directory in (tests, plugins / "modules", plugins / "module_utils"):
        directory.mkdir(parents=True)
    shutil.copy(HERE / "sitecustomize.py", tests)
    kept, module, beside = tmp_path / ".cache/remembered", plugins / "modules/bitacora_of_tests.py", plugins / "module_utils/_beside.py"

    def packed(remember=True):
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(tmp_path), "ANSIBLE_HOME": str(tmp_path / "home"),
                       "PYTHONPATH": str(tests if remember else "")}
        return json.loads(subprocess.run([sys.executable, "-c", PACK], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)

    begin = "from ansible.module_utils.basic import AnsibleModule\nfrom ..module_utils import _beside\n"
    seen = []
    for text, other in (("", "VALUE = 1\n"), ("", "VALUE = 2\n"), ("print(3)\n", "VALUE = 2\n"), ("", "VALUE = 1\n")):
        module.write_text(begin + text)
        beside.write_text(other)
        seen.append(packed())
        assert seen[-1]["ansible_collections/perucompras/respaldo/plugins/module_utils/_beside.py"] == other
        assert seen[-1]["ansible_collections/perucompras/respaldo/plugins/modules/bitacora_of_tests.py"] == begin + text
    assert seen[0] == seen[3] == packed(remember=False) and len(list(kept.glob("payload-*"))) == 3


def test_documentation_that_is_remembered_is_what_is_read(own, tmp_path):
    """With the tags of each text: whence it came, by line and column, and that it is trusted; and other text, or the same of another file, is other."""
    import yaml
    from ansible._internal._datatag import _tags
    from ansible.module_utils._internal._datatag import AnsibleTagHelper
    from ansible.parsing.yaml.loader import AnsibleLoader
    from ansible.plugins.connection import ssh

    def tagged(value):
        inner = {tagged(key): tagged(each) for key, each in value.items()} if isinstance(value, dict) else \
            [tagged(each) for each in value] if isinstance(value, list) else value
        return repr((type(value), inner, sorted(map(repr, AnsibleTagHelper.tags(value)))))

    remembering = own.DocumentedBefore(yaml, "2.19")
    for text in (ssh.DOCUMENTATION, ssh.DOCUMENTATION.replace("ssh", "hss")):
        for name in ("/una.py", "/otra.py"):
            source = _tags.Origin(path=name).tag(_tags.TrustedAsTemplate().tag(text))
            wanted = tagged(yaml.load(source, Loader=AnsibleLoader))
            kept = len(list((tmp_path / "store").glob("*"))) if (tmp_path / "store").exists() else 0
            assert tagged(remembering.load(source, Loader=AnsibleLoader)) == wanted == tagged(remembering.load(source, Loader=AnsibleLoader))
            assert len(list((tmp_path / "store").glob("*"))) == kept + 1
    with pytest.raises(yaml.YAMLError):
        remembering.load(_tags.Origin(path="/una.py").tag("a: [b"), Loader=AnsibleLoader)


TEXTS = ("{{ a }}", "x{% for each in a %}{{ each + 1 }},{% endfor %}\n", "{{ b ~ '\\1' }}", "{{ a | map('string') | join(b) }}",
         "#jinja2: trim_blocks: False\n{% if a %}\ny{% endif %}", "{{ nobody }}",
         "{{ a | no_such_filter }}", "{{ a[", "{{ lookup('ansible.builtin.env', 'HOME') }}", "{{ {'ñ': a} }}")
CONDITIONS = ("a == [1, 2]", "'1' in b or a is sequence", "nobody is defined", "nobody", "a ==", "b is match('x')", "(a | length) > 1")


def test_templates_that_are_remembered_are_what_is_compiled(own, tmp_path, monkeypatch):
    from ansible._internal._templating import _jinja_bits
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar, trust_as_template

    kind = _jinja_bits.AnsibleEnvironment
    called = []
    for name in ("compile", "compile_expression"):
        whole = getattr(kind, name)
        monkeypatch.setattr(kind, name, lambda *given, whole=whole, **named: called.append(given) or whole(*given, **named))

    def told():
        found = []
        for escape in (True, False):
            for text in TEXTS + CONDITIONS:
                templar = Templar(loader=DataLoader(), variables={"a": [1, 2], "b": "x\\"})
                try:
                    value = templar.evaluate_conditional(trust_as_template(text)) if text in CONDITIONS else \
                        templar.template(trust_as_template(text), escape_backslashes=escape)
                except Exception as error:
                    value = [type(error).__name__, str(error)]
                found.append((text, type(value).__name__, repr(value)))
        return found

    wanted = told()
    own.in_templates(_jinja_bits)
    assert told() == wanted and called
    made, kept = len(called), len(list((tmp_path / "store").iterdir()))
    assert told() == wanted and len(list((tmp_path / "store").iterdir())) == kept > 10
    compiled = {str(given[1]) for given in called[made:] if isinstance(given[1], str)}
    assert compiled <= {"{{ a | no_such_filter }}", "{{ a[", "a =="}, "of what compiles nothing is compiled again"
    monkeypatch.setattr(own, "filters_in", lambda place: ["another"])
    monkeypatch.setattr(own, "_common", [])
    assert told() == wanted and len(list((tmp_path / "store").iterdir())) == 2 * kept, "with other filters it is compiled anew"


def test_filters_are_told_by_their_texts_wherever_a_test_has_its_home_or_its_copy(own, tmp_path):
    plugins = {name: tmp_path / name / "ansible_collections/perucompras/respaldo/plugins" for name in ("one", "same", "other", "more")}
    for name, each in plugins.items():
        (each / "filter").mkdir(parents=True)
        (each / "filter/answer.py").write_text("otro" if name == "other" else "uno")
    (plugins["more"].parents[2] / "community").mkdir()
    told = {name: own.filters_in(str(tmp_path / name)) for name in (*plugins, "a home without any")}
    assert told["one"] == told["same"] == own.filters_in(str(tmp_path / "one/ansible_collections")) == [("filter", "answer.py", b"uno")]
    assert told["other"] not in (told["one"], []) and told["a home without any"] is None
    assert told["more"] == str(tmp_path / "more"), "of others' filters only the place is known"
    assert own.filters_in(str(ROOT / "collections")), "a checkout is such a place"


ENDING = """
import atexit, sys, threading, time

atexit.register(print, "registered")
import ansible.module_utils.basic as basic

class Taken:
    def __del__(self):
        print("taken apart")

kept = Taken()
threading.Thread(target=lambda: (time.sleep(0.2), print("a thread's last word"))).start()
print("told")
exec(compile("import sys; sys.exit({status!r})", {name!r}, "exec"))
"""


def test_a_module_that_has_told_its_result_ends_with_its_status_and_after_all_that_waits_for_its_end():
    import ansible.cli
    import ansible.module_utils.basic as basic

    ours, cli = basic.__file__, ansible.cli.__file__
    ends = [(0, ours, False), (4, cli, False), (1, ours, False), (3, "/elsewhere.py", True), ("words", ours, True)]
    for status, name, apart in ends:
        code = ENDING.format(status=status, name=name)
        done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(HERE)}, capture_output=True, text=True, check=False)
        assert done.stdout.splitlines() == ["told", "a thread's last word", "registered"] + ["taken apart"] * apart, done
        assert (done.returncode, done.stderr) == ((1, "words\n") if status == "words" else (status, ""))


def test_circles_of_objects_are_still_found_though_seldom():
    """A program that leaves them has its memory back after some MiB, here as elsewhere."""
    code = ("alive = most = 0\nclass Node:\n    def __init__(self):\n        global alive, most\n        self.itself, alive = self, alive + 1\n"
            "        most = max(most, alive)\n    def __del__(self):\n        global alive\n        alive -= 1\n"
            "for number in range(300000): Node()\nprint(most)")
    here, elsewhere = (int(subprocess.check_output([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path})) for path in (str(HERE), ""))
    assert elsewhere < 2000 < here < 101000      # the interpreter's own objects count too


def test_one_module_of_a_directory_in_an_archive_is_changed_and_no_other(tmp_path):
    """Python has one loader for all modules of such a directory."""
    archive = tmp_path / "it.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for name in ("__init__", "one", "other"):
            made.writestr("inside/" + name + ".py", "")
    code = ("import sys, sitecustomize; sys.path.insert(0, sys.argv[1]); seen = []; "
            "sitecustomize.AsTheyAreImported.wanted['inside.one'] = lambda module: seen.append(module.__name__); import inside.one, inside.other; print(seen)")
    done = subprocess.run([sys.executable, "-c", code, str(archive)], env={**os.environ, "PYTHONPATH": str(HERE)}, capture_output=True, text=True, check=True)
    assert done.stdout == "['inside.one']\n"


def test_a_cheap_key_of_restic_opens_the_same_with_the_same_password_alone(tmp_path):
    sys.path.append(str(HERE))
    import cheap_keys

    repository = tmp_path / "repository"
    environment = {"PATH": os.environ["PATH"], "RESTIC_PASSWORD": "la clave"}

    def restic(*arguments, password="la clave"):
        return subprocess.run(["restic", "--no-cache", "--repo", str(repository), *arguments], env=dict(environment, RESTIC_PASSWORD=password),
                              capture_output=True, text=True, check=False)

    assert restic("init").returncode == 0
    (former,) = (repository / "keys").iterdir()
    row, master, mode = json.loads(former.read_text()), restic("cat", "masterkey").stdout, former.stat().st_mode
    cheap_keys.make_cheap(str(repository), b"otra")
    assert list((repository / "keys").iterdir()) == [former], "with another password nothing is done"
    cheap_keys.make_cheap(str(repository), b"la clave")
    (made,) = (repository / "keys").iterdir()
    told = json.loads(made.read_text())
    assert made != former and made.stat().st_mode == mode and {name for name in row if row[name] != told[name]} <= {"N", "r", "p", "data"}
    assert {name: told[name] for name in "Nrp"} == cheap_keys.CHEAP and row["N"] > 1000
    assert restic("cat", "masterkey").stdout == master != "" and restic("cat", "config", password="otra").returncode != 0
    assert restic("check", "--read-data").returncode == 0 and sorted(path.name for path in repository.iterdir()) == sorted(
        ["config", "data", "index", "keys", "locks", "snapshots"])
    assert cheap_keys.directory_of(str(repository)) == cheap_keys.directory_of("sftp:medio:" + str(repository)) == str(repository)
    assert not cheap_keys.directory_of("rclone:SIGA") and not cheap_keys.directory_of(str(tmp_path))
