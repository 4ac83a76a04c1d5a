# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each Python that the tests start reads this first (tests/conftest.py puts it on PYTHONPATH): what thousands of plays compile anew is kept.

Python keeps what it compiled of files on a disk, in __pycache__. It can't of a collection, which Ansible's own loader compiles at every start, nor of a
module, whose files arrive on the server in an archive; and Ansible parses each of these files once more to see what it imports, packs them, and parses
its own two largest YAML files, and the documentation of forty plugins, at every start, and each worker compiles its templates and conditions. Half of
the processors of a small play go into that, the same from play to play.

So the results are kept by the digest of what they were made from: other text has another result, and what runs is what would have run. A result that
can't be read or kept is made as always. Three more things are cheap here that are dear elsewhere: the end of a module's process (ends_at_once), the
keys of restic (cheap_keys.py), and the search for circles of objects, a tenth of a play that ends before there are many. Nothing of the collection
knows of this. Two of Molecule's scenarios and tests/ways run without it, and all tests do with RESPALDO_TESTS_REMEMBER=no.
"""

import atexit
import gc
import marshal
import os
import sys
import zipimport

BETWEEN_SEARCHES = 100000      # objects made, rather than some hundreds: at most some MiB wait for the next search
STORE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), ".cache", "remembered")


def remembered(kind, content, make):
    """What `make` gives for this content (bytes), from the store when it is there."""
    from _blake2 import blake2b

    digest = blake2b(content, digest_size=24, person=kind.encode()).hexdigest()
    path = os.path.join(STORE, "{0}-{1}-{2}".format(sys.implementation.cache_tag, sys.flags.optimize, digest))
    try:
        with open(path, "rb") as file:
            return marshal.loads(file.read())     # five times as fast as load(), which reads by the byte
    except (OSError, ValueError, EOFError, TypeError):
        pass
    made = make()
    unfinished = "{0}.{1}".format(path, os.getpid())
    try:
        os.makedirs(STORE, exist_ok=True)
        kept = marshal.dumps(made)
        with open(unfinished, "wb") as file:
            file.write(kept)
        os.replace(unfinished, path)
    except (OSError, ValueError):      # a value that can't be kept, a place that can't be written
        pass
    return made


def code_of(content, name, make):
    """A code object, told of the file it stands for here: an archive lies elsewhere in each run."""
    import _imp

    code = remembered("code", content, make)
    _imp._fix_co_filename(code, name)
    return code


def compile_of_an_archive(make):
    def compile_source(name, source):
        return code_of(bytes(source), name, lambda: make(name, source))

    return compile_source


def compile_of_a_collection(source, filename, mode, flags=0, dont_inherit=False):
    def make():
        return compile(source, filename, mode, flags=flags, dont_inherit=dont_inherit)

    if (mode, flags, dont_inherit) != ("exec", 0, True):
        return make()
    return code_of(source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass"), filename, make)


def imports_of(source):
    """The import statements of a file as a file of their own, those below the top in a block; nothing when Ansible looks at more than these."""
    import ast

    tree = ast.parse(source)
    if any(isinstance(target, ast.Name) and target.id == "METADATA" for each in tree.body if isinstance(each, ast.Assign) for target in each.targets):
        return None
    imports = (ast.Import, ast.ImportFrom)
    top = [each for each in tree.body if isinstance(each, imports)]
    below = [each for each in ast.walk(tree) if isinstance(each, imports) and each not in top]
    return "\n".join([ast.unparse(each) for each in top] + (["if 0:"] if below else []) + ["    " + ast.unparse(each) for each in below])


def parse_for_imports(source, filename, mode, flags=0, *others):
    """What ansible.executor.module_common compiles: trees, in which it looks for imports alone."""
    import ast

    told = None
    if flags == ast.PyCF_ONLY_AST and mode == "exec" and not others:
        content = source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass")
        told = remembered("imports", content, lambda: imports_of(source))
    return compile(source if told is None else told, filename, mode, flags, *others)


def yaml_of(kind, make):
    def load(text, *others, **named):
        content = text.read() if hasattr(text, "read") else text
        return remembered(kind, content if isinstance(content, bytes) else content.encode("utf-8"), lambda: make(content, *others, **named))

    return load


def in_the_finder(module):
    module.compile = compile_of_a_collection
    if module._meta_yml_to_dict:
        module._meta_yml_to_dict = yaml_of("routing", module._meta_yml_to_dict)


def made_of(module, path):
    """A digest of all that Ansible packs with the module of a collection at this path; nothing when it could look in places besides."""
    from _blake2 import blake2b

    own = os.path.realpath(module._MODULE_UTILS_PATH)
    if any(os.path.isdir(each) for each in module.module_utils_loader._get_paths(subdirs=False)
           if os.path.realpath(each) != own):
        return None
    digest = blake2b("\0".join([module.__version__, own, path]).encode("utf-8", "surrogateescape"), digest_size=24, person=b"payload")
    files = [path]
    for directory, below, names in os.walk(os.path.join(os.path.dirname(os.path.dirname(path)), "module_utils")):
        below.sort()
        files += [os.path.join(directory, name) for name in sorted(names) if name.endswith(".py")]
    for name in files:
        with open(name, "rb") as file:
            content = file.read()
        digest.update("{0}\0{1}\0".format(name, len(content)).encode("utf-8", "surrogateescape"))
        digest.update(content)
    return digest.hexdigest()


def built_by(module, build):
    """Puts what was packed before where Ansible looks for what it packed before in the same run, and keeps what it packs now."""
    def find_module_utils(*others, **named):
        path, compression = named.get("module_path") or "", named.get("module_compression")
        digest = made_of(module, path) if "/perucompras/respaldo/plugins/modules/" in path else None
        if digest is None:
            return build(*others, **named)
        packed = os.path.join(module.C.DEFAULT_LOCAL_TMP, "ansiballz_cache", "-".join((module._get_ansible_module_fqn(path), compression, "none")))
        kept = os.path.join(STORE, "payload-{0}-{1}".format(digest, compression))
        carry(kept, packed)
        told = build(*others, **named)
        carry(packed, kept)
        return told

    return find_module_utils


def carry(source, target):
    """A file is there whole or not at all, whoever else writes it; one that is there stays."""
    if os.path.exists(target) or not os.path.exists(source):
        return
    unfinished = "{0}.{1}".format(target, os.getpid())
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(source, "rb") as content, open(unfinished, "wb") as file:
            file.write(content.read())
        os.replace(unfinished, target)
    except OSError:
        pass


def in_module_common(module):
    module.compile = parse_for_imports
    if hasattr(module, "_CachedModule"):      # since 2.19
        module._find_module_utils = built_by(module, module._find_module_utils)


def in_the_configuration(module):
    module.yaml_load = yaml_of("configuration", module.yaml_load)


class DocumentedBefore:
    """Stands for the module yaml where Ansible reads the documentation of plugins: data with its tags, which pickle keeps and marshal does not."""

    def __init__(self, yaml, version):
        self._yaml, self._version = yaml, version

    def __getattr__(self, name):
        return getattr(self._yaml, name)

    def load(self, text, Loader):
        import pickle

        # a text is told apart by its tags too: whence it came, and whether it is trusted
        content = pickle.dumps((self._version, sys.hexversion, Loader.__name__, text), 4)
        return pickle.loads(remembered("documentation", content, lambda: pickle.dumps(self._yaml.load(text, Loader=Loader), 4)))


def in_documentation(module):
    if hasattr(module, "_tags") and hasattr(module, "yaml"):      # since 2.19
        from ansible.release import __version__

        module.yaml = DocumentedBefore(module.yaml, __version__)


def filters_in(place):
    """What tells the filters, tests and look-ups of a place of collections: their texts where there are ours alone, since most tests have a home and many
    a copy of their own; else the place. Nothing when it is not there."""
    above = os.path.join(place, "" if os.path.basename(place) == "ansible_collections" else "ansible_collections")
    own = os.path.join(above, "perucompras")
    try:
        if os.listdir(above) != ["perucompras"] or os.listdir(own) != ["respaldo"]:
            return place
    except OSError:
        return None
    found = []
    for kind in ("filter", "test", "lookup"):
        room = os.path.join(own, "respaldo", "plugins", kind)
        for name in sorted(os.listdir(room)) if os.path.isdir(room) else ():
            if name.endswith(".py"):
                with open(os.path.join(room, name), "rb") as file:
                    found.append((kind, name, file.read()))
    return found


_common = []      # found once in a play; its workers have it


def shape_of(environment, module):
    """What a template's code depends on besides its text: how it is cut into words, and which filters and tests there are and what they ask for."""
    if not _common:
        from ansible import constants
        from ansible.release import __version__
        from jinja2 import __version__ as jinja

        _common.append(repr((__version__, jinja, [filters_in(place) for place in constants.COLLECTIONS_PATHS])))
    context = module._TemplateCompileContext.current(optional=True)
    words = [getattr(environment, name) for name in module._TEMPLATE_OVERRIDE_FIELD_NAMES]
    return repr((_common[0], type(environment).__name__, words, bool(context and context.escape_backslashes), module._TemplateConfig.allow_embedded_templates))


def in_templates(module):
    """Each worker compiles the same templates and conditions anew: Jinja's lexer, parser and generator are a twelfth of a small play."""
    kind = module.AnsibleEnvironment
    known = all(hasattr(module, name) for name in ("_TEMPLATE_OVERRIDE_FIELD_NAMES", "_TemplateCompileContext", "_TemplateConfig"))
    if not known or kind._debuggable_template_source:
        return
    compile_template, compile_expression = kind.compile, kind.compile_expression

    def compile_text(self, source, *others, **named):
        if not isinstance(source, str) or others or named:
            return compile_template(self, source, *others, **named)
        content = "{0}\0{1}".format(shape_of(self, module), source).encode("utf-8", "surrogatepass")
        return remembered("template", content, lambda: compile_template(self, source))

    def compile_condition(self, source, undefined_to_none=True):
        from jinja2.environment import TemplateExpression

        def make():
            made = []

            def noting(tree, *others, **named):
                made.append(compile_template(self, tree, *others, **named))
                return made[-1]

            self.compile = noting
            try:
                compile_expression(self, source, undefined_to_none)
            finally:
                del self.compile
            return made[-1]

        content = "{0}\0{1}".format(shape_of(self, module), source).encode("utf-8", "surrogatepass")
        template = self.template_class.from_code(self, remembered("condition", content, make), self.make_globals(None), None)
        return TemplateExpression(template, undefined_to_none)

    kind.compile, kind.compile_expression = compile_text, compile_condition


_ended = []      # the process that has told all, and its exit status
_LAST_WORDS = ("ansible/module_utils/basic.py", "ansible/cli/__init__.py")


def ends_at_once(_module):
    """A module that has told its result, and a play at its end, are not taken apart object by object, a sixth and a tenth of their time: the kernel drops
    them whole. What waits for the end (threads, then all that is registered with atexit, where leave_at_once came first) has been done by then."""
    leave = sys.exit
    if leave.__name__ == "leaving":
        return

    def leaving(status=None):
        if isinstance(status, int) and sys._getframe(1).f_code.co_filename.replace(os.sep, "/").endswith(_LAST_WORDS):
            _ended[:] = [os.getpid(), int(status)]
        leave(status)

    sys.exit = leaving


def leave_at_once():
    if _ended[:1] == [os.getpid()]:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_ended[1] & 0xFF)


def keys_of_restic(module):
    import cheap_keys

    cheap_keys.in_restic(module)


class AsTheyAreImported:
    """Finds these modules as always, and changes them once they are loaded."""

    wanted = {
        "ansible.utils.collection_loader._collection_finder": in_the_finder,
        "ansible.executor.module_common": in_module_common,
        "ansible.config.manager": in_the_configuration,
        "ansible.plugins.loader": in_documentation,
        "ansible.utils.plugin_docs": in_documentation,
        "ansible._internal._templating._jinja_bits": in_templates,
        "ansible.module_utils.basic": ends_at_once,
        "ansible.cli": ends_at_once,
        "ansible_collections.perucompras.respaldo.plugins.module_utils._engine.restic.restic": keys_of_restic,
    }

    def find_spec(self, name, path=None, target=None):
        change = self.wanted.get(name)
        if change is None:
            return None
        from importlib.machinery import PathFinder

        found = PathFinder.find_spec(name, path, target)
        if found is None or found.loader is None:
            return found
        load = found.loader.exec_module

        def exec_module(module):
            del found.loader.exec_module      # of an archive all modules of a directory have the same loader
            load(module)
            change(module)

        found.loader.exec_module = exec_module
        return found


gc.set_threshold(BETWEEN_SEARCHES, *gc.get_threshold()[1:])
atexit.register(leave_at_once)
zipimport._compile_source = compile_of_an_archive(zipimport._compile_source)
sys.meta_path.insert(0, AsTheyAreImported())
